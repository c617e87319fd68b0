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

// anywidget drops all messages to a model whose `initialize` has not ended within 2 s, and a model gets no message
// before: so plotly.js is waited for by the views, and what its model misses until then the kernel sends anew (`ready`).
export default () => {
  let initial;
  let drawn;
  const load = async () => {
    const inner = (await plotly(initial.model)).default();
    inner.initialize(initial);
    return inner;
  };
  return {
    initialize(context) {
      initial = context; // its listeners live as long as the model; those of a view's would not
    },
    async render(context) {
      const { model, el } = context;
      el.classList.add("ionw-figure");
      el.setAttribute("role", "img");
      const name = () => el.setAttribute("aria-label", model.get("alt"));
      name();
      model.on("change:alt", name);
      const observer = followWidth(el);
      const remove = await (await (drawn ??= load())).render(context);
      model.send({ kind: "ready" });
      return () => {
        observer.disconnect();
        model.off("change:alt", name);
        remove?.();
      };
    },
  };
};
