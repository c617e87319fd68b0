// The page's own address: its query goes to the kernel once, and a link is made of what the kernel says. The token in
// an address is the reader's own: it goes neither to the kernel nor into a link.
function query() {
  const given = new URLSearchParams(location.search);
  for (const name of [...given.keys()]) if (name === "token" || name.startsWith("voila-")) given.delete(name);
  return given.toString();
}

function render({ model, el }) {
  if (!("voila" in document.body.dataset)) return; // a page of another program, whose address is not ours to read
  if (model.get("arrived") === null) {
    model.set("arrived", query());
    model.save_changes();
  }
  const id = `ionw-link-${Math.random().toString(36).slice(2)}`;
  const root = document.createElement("div");
  root.className = "ionw-page-link";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "ionw-button";
  const label = document.createElement("label");
  label.htmlFor = id;
  label.textContent = "Link to this set-up";
  const field = document.createElement("input");
  field.id = id;
  field.type = "text";
  field.readOnly = true;
  const told = document.createElement("p");
  told.className = "ionw-soft";
  told.setAttribute("role", "status");
  label.hidden = field.hidden = true;
  const show = () => (button.textContent = model.get("label"));
  let wish = null;
  const listen = async (message) => {
    if (message.kind !== "link" || message.wish !== wish) return;
    wish = null;
    label.hidden = field.hidden = message.why_not !== "";
    told.textContent = message.why_not;
    if (message.why_not) return;
    field.value = `${location.origin}${location.pathname}?${message.query}`;
    try {
      await navigator.clipboard.writeText(field.value);
      told.textContent = "Copied.";
    } catch {
      field.focus(); // a page without the clipboard permission
      field.select();
      told.textContent = "Copy it with Ctrl+C.";
    }
  };
  button.addEventListener("click", () => {
    wish = Math.random().toString(36).slice(2);
    model.send({ kind: "ask", wish });
  });
  model.on("msg:custom", listen);
  model.on("change:label", show);
  show();
  root.append(button, label, field, told);
  el.append(root);
  return () => {
    model.off("msg:custom", listen);
    model.off("change:label", show);
  };
}

export default { render };
