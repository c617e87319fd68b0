// A button; a click asks the kernel for a file and saves it. The page asks for one piece after the other, and again
// where none comes: a Jupyter server drops what is above a megabyte or so a second.
const PATIENCE = 4000; // ms without the piece that was asked for
const TRIES = 15;

async function unpacked(pieces, type) {
  const stream = new Blob(pieces).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Blob([await new Response(stream).arrayBuffer()], { type });
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

function render({ model, el }) {
  const root = document.createElement("div");
  root.className = "ionw-download";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "ionw-button";
  const problem = document.createElement("p");
  problem.className = "ionw-problem";
  problem.setAttribute("role", "alert");
  root.append(button, problem);
  el.append(root);

  let current = null; // the file that is on its way: key, pieces, how many, timer
  const show = () => {
    button.textContent = model.get("label");
    button.disabled = model.get("disabled");
    button.setAttribute("aria-busy", String(model.get("busy") || current !== null));
    problem.textContent = model.get("problem");
    problem.hidden = !model.get("problem");
  };
  const end = () => {
    clearTimeout(current?.timer);
    current = null;
    show();
  };
  const ask = () => {
    clearTimeout(current.timer);
    if (current.tries++ > TRIES) {
      problem.textContent = `${model.get("filename")}: the kernel does not answer`;
      problem.hidden = false;
      current = null;
      return;
    }
    model.send({ kind: "ask", key: current.key, index: current.pieces.length });
    current.timer = setTimeout(ask, PATIENCE);
  };
  const listen = async (message, buffers) => {
    if (message.key !== current?.key) return;
    if (message.kind === "refused") return end();
    if (message.kind === "ready") {
      current.count = message.pieces;
      return ask();
    }
    if (message.kind !== "piece" || message.index !== current.pieces.length) return;
    current.pieces.push(buffers[0]);
    current.tries = 0;
    if (current.pieces.length < current.count) return ask();
    const { pieces } = current;
    end();
    model.send({ kind: "done" });
    save(await unpacked(pieces, model.get("media_type")), model.get("filename"));
  };
  button.addEventListener("click", () => {
    if (current) return;
    current = { key: Math.random().toString(36).slice(2), pieces: [], count: 0, tries: 0, timer: 0 };
    show();
    model.send({ kind: "make", key: current.key });
  });
  model.on("msg:custom", listen);
  model.on("change:label change:disabled change:busy change:problem", show);
  show();
  return () => {
    clearTimeout(current?.timer);
    model.off("msg:custom", listen);
    model.off("change:label change:disabled change:busy change:problem", show);
  };
}

export default { render };
