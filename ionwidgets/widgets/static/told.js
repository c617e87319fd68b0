// A control that page and kernel both set (`Told`). What is moved goes in messages of its own, in order with all others
// of the page: of a trait ipywidgets keeps the last value back until the kernel is idle, and an Undo would overtake it.
// One is on its way at a time, the last value is always sent. Each carries the number of the kernel's last word that
// was seen; the kernel passes over what was moved before that word came, so both sides end with the same value.
function talk(model, show) {
  let seen = model.get("_told").number;
  let open = false;
  let waiting = [];
  const send = (value) => {
    open = true;
    model.send({ kind: "moved", number: seen, value });
  };
  const flush = () => waiting.splice(0).forEach(send);
  const heard = (message) => {
    if (message?.kind !== "heard") return;
    open = false;
    flush();
  };
  const told = () => {
    const { number, value } = model.get("_told");
    if (number === seen && open) return; // what this view has sent, come back
    if (number !== seen) waiting = [];
    seen = number;
    show(value);
  };
  // Whatever is done next finds the last value on its way.
  const before = (event) => {
    if (event.type !== "keydown" || event.ctrlKey || event.metaKey) flush();
  };
  const kinds = ["click", "change", "keydown"];
  for (const kind of kinds) document.addEventListener(kind, before, true);
  model.on("msg:custom", heard);
  model.on("change:_told", told);
  return {
    moved(value) {
      if (open) waiting = [value];
      else send(value);
    },
    end() {
      for (const kind of kinds) document.removeEventListener(kind, before, true);
      model.off("msg:custom", heard);
      model.off("change:_told", told);
    },
  };
}
