// plotly's script once for the whole page, however many figures: from the Jupyter server that gave the page, where our
// extension runs there; else from the kernel (1.5 MB, packed), asked by the first figure that needs it.
const SCRIPTS = (globalThis[Symbol.for("ionwidgets.plotly")] ??= new Map());

// The page's own configuration, as JupyterLab, Notebook and Voila write it.
function configuration() {
  try {
    return JSON.parse(document.getElementById("jupyter-config-data").textContent);
  } catch {
    return {};
  }
}

// Where the server has the script under this name, or undefined; never on another host than the page's.
function address(name) {
  const { baseUrl = document.body.dataset.baseUrl, ionwidgetsPlotly } = configuration();
  // JupyterLab and Notebook say what their server has. Voila as a part of a Jupyter server, and Notebook 6, cannot.
  const silent = document.body.dataset.voila !== undefined || document.getElementById("jupyter-config-data") === null;
  const path = ionwidgetsPlotly ?? (silent ? `ionwidgets/${name}` : undefined);
  if (!baseUrl || path !== `ionwidgets/${name}`) return undefined;
  const url = new URL(path, new URL(baseUrl.replace(/\/?$/, "/"), location.href));
  return url.origin === location.origin ? url.href : undefined;
}

function fromKernel(model) {
  return new Promise((resolve, reject) => {
    const done = () => {
      model.off("msg:custom", answer);
      model.off("destroy", gone);
    };
    const gone = () => {
      done();
      reject(new Error("the figure was closed before its script came"));
    };
    const answer = async (message, buffers) => {
      if (message?.kind !== "plotly") return;
      done();
      try {
        const unpacked = new Blob([buffers[0]]).stream().pipeThrough(new DecompressionStream("gzip"));
        const code = await new Response(unpacked).blob();
        const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
        await import(url).then(resolve, reject);
        URL.revokeObjectURL(url);
      } catch (error) {
        reject(error);
      }
    };
    model.on("msg:custom", answer);
    model.on("destroy", gone);
    model.send({ kind: "plotly" });
  });
}

// A figure that fails to fetch it (its model was closed meanwhile) leaves it to the next.
async function plotly(model) {
  const name = model.get("_script_name");
  while (SCRIPTS.has(name)) {
    const waited = SCRIPTS.get(name);
    try {
      return await waited;
    } catch {
      if (SCRIPTS.get(name) === waited) SCRIPTS.delete(name);
    }
  }
  const url = address(name);
  const script = url ? import(url).catch(() => fromKernel(model)) : fromKernel(model);
  SCRIPTS.set(name, script);
  return script;
}

// The script's factory keeps the model that it makes to itself; the views below need it.
function modelOf({ FigureModel, default: factory }, context) {
  const own = FigureModel.prototype.initialize;
  let made;
  FigureModel.prototype.initialize = function () {
    made = this;
    return own.call(this);
  };
  try {
    factory().initialize(context);
  } finally {
    FigureModel.prototype.initialize = own;
  }
  return made;
}

// plotly hears the window alone; a figure that was hidden, or whose column changed, would keep its old size.
function followBox(box, plot, view) {
  let asked;
  const fit = () => {
    const drawn = plot._fullLayout;
    if (plot.clientWidth === 0) asked = undefined; // hidden: plotly leaves its size alone
    if (!drawn || plot.clientWidth === 0) return;
    const wide = plot.clientWidth;
    const high = plot.style.height ? plot.clientHeight : drawn.height;
    const size = `${wide} ${high}`;
    if (size === asked || (Math.abs(drawn.width - wide) <= 1 && Math.abs(drawn.height - high) <= 1)) return;
    asked = size;
    view.autosizeFigure();
  };
  const observer = new ResizeObserver(() => requestAnimationFrame(fit));
  observer.observe(box);
  plot.on("plotly_afterplot", fit); // the box may have changed while it was drawn
  return observer;
}

const DRAWN_MS = 250;
const SAVE_MS = 30_000;

// A copy of the figure, out of sight and in dark ink on white, whose own button for images is pressed.
async function save(FigureView, plot, colours, format, filename) {
  const repaint = (value) => {
    if (Array.isArray(value)) return value.map(repaint);
    if (value?.constructor === Object) return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, repaint(v)]));
    return Object.hasOwn(colours, value) ? colours[value] : value;
  };
  const { width, height } = plot._fullLayout;
  const state = {
    _widget_data: repaint(plot.data),
    _widget_layout: { ...repaint(plot.layout), width, height, paper_bgcolor: "#ffffff", plot_bgcolor: "#ffffff" },
    _config: {
      displayModeBar: true,
      displaylogo: false,
      displayNotifier: false,
      modeBarButtons: [["toImage"]],
      toImageButtonOptions: { format, filename, width, height, scale: format === "png" ? 3 : 1 },
    },
  };
  const copy = document.createElement("div");
  copy.setAttribute("aria-hidden", "true");
  copy.style.cssText = `position: fixed; left: -20000px; top: 0; width: ${width}px; height: ${height}px`;
  document.body.append(copy);
  const view = new FigureView({ get: (key) => state[key], set() {}, on() {}, save_changes() {} }, copy);
  try {
    view.perform_render();
    await new Promise((resolve) => copy.on("plotly_afterplot", resolve));
    copy.querySelector(".modebar-btn").click();
    const end = performance.now() + SAVE_MS;
    while (copy._snapshotInProgress && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
  } finally {
    view.remove();
    copy.remove();
  }
}

function saveButtons(press) {
  const box = document.createElement("div");
  box.className = "ionw-figure-save";
  for (const format of ["SVG", "PNG"]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = format;
    button.onclick = () => press(format.toLowerCase());
    box.append(button);
  }
  return box;
}

// anywidget drops all messages to a model whose `initialize` has not ended within 2 s, and a model gets no message
// before: so the script is waited for by the views, and what its model misses until then the kernel sends anew (`ready`).
export default () => {
  let initial;
  let loaded;
  let shown; // as the last view left it, zoom included: the model keeps what it began with
  const load = async () => {
    const script = await plotly(initial.model);
    return { inner: modelOf(script, initial), FigureView: script.FigureView };
  };
  return {
    initialize(context) {
      initial = context; // its listeners live as long as the model; those of a view's would not
      context.model.on("destroy", () => {
        loaded = initial = shown = undefined;
      });
    },
    async render({ model, el }) {
      const plot = document.createElement("div");
      plot.setAttribute("role", "img");
      plot.style.height = "100%";
      el.classList.add("ionw-figure");
      el.append(plot);
      const { inner, FigureView } = await (loaded ??= load());

      const filename = () => model.get("alt").replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "");
      const buttons = saveButtons((format) => save(FigureView, plot, model.get("_saved_colours"), format, filename()));
      const name = () => {
        plot.setAttribute("aria-label", model.get("alt"));
        for (const button of buttons.children) {
          button.setAttribute("aria-label", `Save ${model.get("alt")} as ${button.textContent}`);
        }
      };
      name();
      model.on("change:alt", name);

      let first = shown ?? {};
      const { height } = first._widget_layout ?? inner.get("_widget_layout");
      const fills = first.fills ?? (!height && (plot.clientHeight > 0 || el.style.height !== ""));
      if (!fills) plot.style.height = "";
      else first = { ...first, _widget_layout: { ...inner.get("_widget_layout"), ...first._widget_layout, height: plot.clientHeight } };
      // Listeners of the view's own, which end with it; and nothing is told to the kernel after that.
      let open = true;
      model.on("destroy", () => (open = false));
      const own = Object.create(inner, {
        get: { value: (key) => first?.[key] ?? inner.get(key) },
        on: { value: (event, heard) => model.on(event, heard) },
        save_changes: { value: () => open && inner.save_changes() },
      });
      const view = new FigureView(own, plot);
      // What plotly fills in by itself: the kernel would be told all of it at every change, and needs none.
      view._sendTraceDeltas = view._sendLayoutDelta = () => {};
      view.perform_render();
      first = undefined;
      const drawn = new Promise((resolve) => plot.once("plotly_afterplot", resolve));
      drawn.then(() => el.classList.add("is-drawn"));
      const observer = followBox(el, plot, view);
      el.append(buttons);
      model.send({ kind: "ready" });
      return () => {
        open = false;
        observer.disconnect();
        model.off("change:alt", name);
        shown = { _widget_data: plot.data, _widget_layout: plot.layout, fills };
        el.replaceChildren();
        // plotly draws in several goes, and each needs what is removed here.
        drawn.then(() => setTimeout(() => view.remove(), DRAWN_MS));
      };
    },
  };
};
