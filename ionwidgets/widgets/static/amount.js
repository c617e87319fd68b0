// A number that may be typed or slid: 0 at the left end, then a logarithmic scale.
const STEPS = 200;

function render({ model, el }) {
  const id = `ionw-amount-${Math.random().toString(36).slice(2)}`;
  const box = document.createElement("div");
  box.className = "ionw-amount";
  const label = document.createElement("label");
  label.htmlFor = id;
  const text = document.createElement("input");
  Object.assign(text, { id, type: "number", min: 0, step: "any", inputMode: "decimal" });
  const slider = document.createElement("input");
  Object.assign(slider, { id: `${id}-slider`, type: "range", min: 0, max: STEPS, step: 1 });
  const sliderLabel = document.createElement("label");
  sliderLabel.className = "ionw-unseen";
  sliderLabel.htmlFor = slider.id;
  const problem = document.createElement("p");
  problem.className = "ionw-problem";
  problem.setAttribute("role", "alert");
  problem.hidden = true;

  const at = (position) => {
    if (position <= 0) return 0;
    const [low, high] = [Math.log(model.get("low")), Math.log(model.get("high"))];
    return Number(Math.exp(low + ((high - low) * (position - 1)) / (STEPS - 1)).toPrecision(3));
  };
  const position = (value) => {
    if (!(value > 0)) return 0;
    const [low, high] = [Math.log(model.get("low")), Math.log(model.get("high"))];
    return Math.min(STEPS, Math.max(1, Math.round(1 + ((STEPS - 1) * (Math.log(value) - low)) / (high - low))));
  };
  const say = (words) => {
    problem.hidden = !words;
    problem.textContent = words;
    text.toggleAttribute("aria-invalid", Boolean(words));
  };
  const spoken = (value) => slider.setAttribute("aria-valuetext", `${value} ${model.get("unit")}`);
  slider.addEventListener("input", () => {
    const value = at(Number(slider.value));
    text.value = value;
    spoken(value);
    say("");
    kernel.moved(value);
  });
  text.addEventListener("change", () => {
    const value = Number(text.value);
    if (text.value.trim() === "" || !Number.isFinite(value) || value < 0) {
      say(`${model.get("label")} must be a number from 0 on.`);
      return;
    }
    say("");
    kernel.moved(value);
    slider.value = position(value);
    spoken(value);
  });
  function caption() {
    const name = `${model.get("label")} (${model.get("unit")})`;
    label.textContent = name;
    sliderLabel.textContent = `${model.get("label")}, slider`;
    show(model.get("_told").value);
  }
  function show(value) {
    if (Number(text.value) !== value || text.value === "") text.value = value;
    slider.value = position(value);
    spoken(value);
  }
  const kernel = talk(model, show);
  model.on("change:unit change:label change:low change:high", caption);
  caption();
  box.append(label, text, sliderLabel, slider, problem);
  el.append(box);
  return () => {
    kernel.end();
    model.off("change:unit change:label change:low change:high", caption);
  };
}

export default { render };
