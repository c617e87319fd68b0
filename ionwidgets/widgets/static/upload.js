// A labelled native file input on which files may be dropped too. A file goes to the kernel in pieces: a websocket
// message may hold 10 MiB at most, and no more than a few are on their way at a time, or the page would stand still.
const PIECE = 2 ** 20;
const ON_THEIR_WAY = 4;
const PATIENCE = 60000; // ms without a word from the kernel

function render({ model, el }) {
  const id = `ionw-upload-${Math.random().toString(36).slice(2)}`;
  const root = document.createElement("div");
  root.className = "ionw-field ionw-upload";
  const label = document.createElement("label");
  label.htmlFor = id;
  const input = document.createElement("input");
  input.id = id;
  input.type = "file";
  const hint = document.createElement("span");
  hint.className = "ionw-soft ionw-drop";
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.hidden = true;
  const problem = document.createElement("p");
  problem.className = "ionw-problem";
  problem.id = `${id}-problem`;
  problem.setAttribute("role", "alert");
  input.setAttribute("aria-describedby", problem.id);

  const show = () => {
    label.textContent = model.get("label");
    input.accept = model.get("accept");
    input.multiple = model.get("multiple");
    hint.textContent = model.get("multiple") ? "or drop files here" : "or drop a file here";
    problem.textContent = model.get("problem");
    problem.hidden = !model.get("problem");
    input.toggleAttribute("aria-invalid", Boolean(model.get("problem")));
  };

  let told = () => {}; // what waits for the kernel's next word
  const word = () =>
    new Promise((done, fail) => {
      const timer = setTimeout(() => fail(new Error("the kernel does not answer")), PATIENCE);
      told = () => { clearTimeout(timer); done(); };
    });
  let taken = -1;
  let refused = false;
  let current = "";
  const listen = (message) => {
    if (message.upload !== current) return;
    if (message.kind === "taken") taken = Math.max(taken, message.index);
    if (message.kind === "refused") refused = true;
    told();
  };

  async function send(file) {
    if (file.size > model.get("limit")) {
      model.send({ kind: "too-large", name: file.name, size: file.size });
      return;
    }
    const upload = Math.random().toString(36).slice(2);
    [current, taken, refused] = [upload, -1, false];
    const pieces = Math.max(1, Math.ceil(file.size / PIECE));
    bar.setAttribute("aria-label", `Uploading ${file.name}`);
    bar.hidden = false;
    for (let index = 0; index < pieces && !refused && !closed; index++) {
      const piece = await file.slice(index * PIECE, (index + 1) * PIECE).arrayBuffer();
      model.send({ kind: "piece", upload, name: file.name, index, pieces }, undefined, [new DataView(piece)]);
      while (taken < index - ON_THEIR_WAY && !refused && !closed) await word();
      bar.value = index / pieces;
    }
    while (taken < pieces - 1 && !refused && !closed) await word();
    bar.hidden = true;
  }

  let closed = false;
  let queue = Promise.resolve();
  const take = (files) => {
    const chosen = model.get("multiple") ? [...files] : [...files].slice(0, 1);
    const fail = (file, error) => {
      bar.hidden = true;
      problem.textContent = `${file.name}: cannot be sent (${error.message})`;
      problem.hidden = false;
    };
    for (const file of chosen) queue = queue.then(() => send(file)).catch((error) => fail(file, error));
    queue = queue.then(() => (input.value = "")); // the same file, edited, can be chosen again
  };

  input.addEventListener("change", () => take(input.files));
  const over = (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault(); // or the browser would open it in the place of the page
    root.classList.toggle("is-over", event.type === "dragover");
    if (event.type === "drop") take(event.dataTransfer.files);
  };
  for (const kind of ["dragover", "dragleave", "drop"]) root.addEventListener(kind, over);
  model.on("msg:custom", listen);
  model.on("change:label change:accept change:problem change:multiple", show);
  show();
  root.append(label, input, hint, bar, problem);
  el.append(root);
  return () => {
    closed = true;
    told();
    model.off("msg:custom", listen);
    model.off("change:label change:accept change:problem change:multiple", show);
  };
}

export default { render };
