// One plotly.js for the whole page, however many figures: from the address that the page names in
// <meta name="ionwidgets-plotly">, else asked from the kernel once (4.9 MB) by the first figure that needs it.
const KEY = Symbol.for("ionwidgets.plotly");

function fromKernel(model) {
  return new Promise((resolve, reject) => {
    const answer = (message, buffers) => {
      if (message?.kind !== "plotly") return;
      model.off("msg:custom", answer);
      const address = URL.createObjectURL(new Blob([buffers[0]], { type: "text/javascript" }));
      import(address).then(resolve, reject).finally(() => URL.revokeObjectURL(address));
    };
    model.on("msg:custom", answer);
    model.send({ kind: "plotly" });
  });
}

function plotly(model) {
  const page = document.querySelector('meta[name="ionwidgets-plotly"]');
  globalThis[KEY] ??= page
    ? import(new URL(page.content, document.baseURI).href).catch(() => fromKernel(model))
    : fromKernel(model);
  return globalThis[KEY];
}

// Plotly's own `responsive` hears the window alone; a figure that was hidden, or whose column changed, would keep
// its old width.
function followWidth(el) {
  let width = el.clientWidth;
  const observer = new ResizeObserver(() => {
    if (el.clientWidth === width) return;
    width = el.clientWidth;
    if (width > 0) requestAnimationFrame(() => window.dispatchEvent(new Event("resize")));
  });
  observer.observe(el);
  return observer;
}

export default () => {
  let inner;
  return {
    async initialize(context) {
      inner = (await plotly(context.model)).default();
      return inner.initialize(context);
    },
    async render(context) {
      const { model, el } = context;
      el.classList.add("ionw-figure");
      el.setAttribute("role", "img");
      const name = () => el.setAttribute("aria-label", model.get("alt"));
      name();
      model.on("change:alt", name);
      const observer = followWidth(el);
      const remove = await inner.render(context);
      model.send({ kind: "ready" });
      return () => {
        observer.disconnect();
        model.off("change:alt", name);
        remove?.();
      };
    },
  };
};
