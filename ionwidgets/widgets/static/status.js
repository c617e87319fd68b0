// What runs, how far, how long still. The live region stands in the page before its first message, or screen readers
// would miss it; the bar beside it is for the eyes, its percentage is in the words too.
function render({ model, el }) {
  const root = document.createElement("div");
  const words = document.createElement("div");
  words.setAttribute("role", "status");
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.setAttribute("aria-hidden", "true");
  const show = () => {
    const tone = model.get("tone");
    root.className = `ionw-status is-${tone}`;
    if (words.textContent !== model.get("text")) words.textContent = model.get("text");
    bar.hidden = tone !== "busy";
    const fraction = model.get("fraction");
    if (fraction === null) bar.removeAttribute("value");
    else bar.value = fraction;
  };
  model.on("change:text change:tone change:fraction", show);
  show();
  root.append(words, bar);
  el.append(root);
  return () => model.off("change:text change:tone change:fraction", show);
}

export default { render };
