const part = (id) => document.getElementById(id);
const more = part("more"), find = part("find");
const choices = ["fate", "of", "split"].map(part);
const said = (item) => {
  const copy = item.cloneNode(true);
  copy.querySelectorAll(".masked, dt").forEach((covered) => covered.remove());
  return copy.textContent.toLowerCase();
};
const examples = [...part("list").children].map((item) => ({ item, text: said(item) }));
const page = 10;
let shown = page;

const draw = () => {
  const wanted = find.value.trim().toLowerCase();
  const fits = ({ item, text }) =>
    text.includes(wanted) && choices.every(({ id, value }) => value === "" || item.dataset[id] === value);
  const found = examples.filter(fits);
  const visible = new Set(found.slice(0, shown));
  examples.forEach((example) => { example.item.hidden = !visible.has(example); });
  part("found").textContent = `${visible.size} of ${found.length} examples${found.length < examples.length ? ` that fit, of ${examples.length}` : ""}`;
  more.hidden = found.length <= shown;
};

[find, ...choices].forEach((control) => control.addEventListener("input", () => { shown = page; draw(); }));
more.addEventListener("click", () => { shown += 2 * page; draw(); });
part("controls").hidden = false;
draw();
