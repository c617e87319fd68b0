// A button; a click asks the kernel for a file and saves it. The page asks for one piece after the other, and says again
// what it wants where nothing comes: a Jupyter server drops what is above a megabyte or so a second.
const PATIENCE = 4000; // ms until it is said again
const SILENCE = 60000; // ms without a word from the kernel
const WORK = 600000; // while it is making the file: a cell that runs may keep it from answering

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

  let current = null; // the file that is on its way: key, pieces, how many, ms of silence, timer
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
    const { key, count, pieces } = current;
    model.send(count ? { kind: "ask", key, index: pieces.length } : { kind: "make", key });
    current.timer = setTimeout(again, PATIENCE);
  };
  const again = () => {
    current.silence += PATIENCE;
    if (current.silence < (model.get("busy") && !current.count ? WORK : SILENCE)) return ask();
    end();
    problem.textContent = `${model.get("filename")}: the kernel does not answer`;
    problem.hidden = false;
  };
  const listen = async (message, buffers) => {
    if (message.key !== current?.key) return;
    current.silence = 0;
    if (message.kind === "refused") return end();
    if (message.kind === "ready" && !current.count) {
      current.count = message.pieces;
      return ask();
    }
    if (message.kind !== "piece" || message.index !== current.pieces.length) return;
    current.pieces.push(buffers[0]);
    if (current.pieces.length < current.count) return ask();
    const { key, pieces } = current;
    end();
    model.send({ kind: "done", key });
    save(await unpacked(pieces, model.get("media_type")), model.get("filename"));
  };
  button.addEventListener("click", () => {
    if (current) return;
    current = { key: Math.random().toString(36).slice(2), pieces: [], count: 0, silence: 0, timer: 0 };
    show();
    ask();
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
