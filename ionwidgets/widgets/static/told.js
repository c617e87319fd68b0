// A control that page and kernel both set (`Told`). What is moved goes in messages of its own, in order with all others
// of the page: of a trait ipywidgets keeps the last value back until the kernel is idle, and an Undo would overtake it.
// One is on its way at a time, the last value is always sent. Each carries the number of the kernel's last word that
// was seen; the kernel passes over what was moved before that word came, so both sides end with the same value.
function talk(model, show) {
  const view = Math.random().toString(36).slice(2);
  let seen = model.get("_told").number;
  let sent = 0;
  let heard = 0;
  let waiting = [];
  const send = (value) => model.send({ kind: "moved", number: seen, view, place: ++sent, value });
  const flush = () => waiting.splice(0).forEach(send);
  const told = () => {
    const word = model.get("_told");
    if (word.number !== seen) {
      seen = word.number;
      heard = sent;
      waiting = [];
    } else if (word.view === view) {
      heard = Math.max(heard, word.place); // my own move, come back
      if (heard === sent) flush();
      return;
    }
    if (heard === sent) show(word.value);
  };
  // Whatever is done next finds the last value on its way.
  const before = ({ type, target, ctrlKey, metaKey }) => {
    const moves = type === "keydown" ? !(ctrlKey || metaKey) : target.type === "range";
    if (!moves) flush();
  };
  const kinds = ["click", "change", "keydown"];
  for (const kind of kinds) document.addEventListener(kind, before, true);
  model.on("change:_told", told);
  return {
    moved(value) {
      if (heard === sent) send(value);
      else waiting = [value];
    },
    end() {
      for (const kind of kinds) document.removeEventListener(kind, before, true);
      model.off("change:_told", told);
    },
  };
}
