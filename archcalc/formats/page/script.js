(() => {
"use strict";
const all = (query, from = document) => [...from.querySelectorAll(query)];
const layers = all(".panel h3"), table = document.querySelector("table.layers");
const make = (tag, text, parent, more) => parent.appendChild(Object.assign(document.createElement(tag), {textContent: text, ...more}));
const links = id => all(`a[href="#${id}"]`);

// names of layers in the details become links
for (const one of all(".panel dt"))
  if (one.textContent.startsWith("read")) {
    const said = one.nextElementSibling, parts = said.textContent.split(", ");
    if (!parts.every(part => document.getElementById(part.split(" ")[0]))) continue;
    said.textContent = "";
    parts.forEach((part, at) => {
      const [name, ...rest] = part.split(" ");
      if (at) said.append(", ");
      make("a", name, said, {href: "#" + name});
      said.append(rest.length ? " " + rest.join(" ") : "");
    });
  }

// a layer is selected by the place in the page
const chosen = () => layers.find(one => one.id === decodeURIComponent(location.hash.slice(1)));
const figure = document.querySelector(".panel figure");
const select = () => {
  all(".on").forEach(one => { one.classList.remove("on"); one.removeAttribute("aria-current"); });
  const one = chosen();
  const {b, f} = one ? one.parentNode.dataset : {};
  figure.hidden = !f;
  if (!one) return;
  const first = one.parentNode.querySelector("h3").id;
  for (const link of [...links(one.id), ...all(`.net a[href="#${b || first}"]`)]) {
    if (link.closest(".panel")) continue;
    link.setAttribute("aria-current", "true");
    (link.closest("tr") || link).classList.add("on");
  }
  if (f) {
    const [x, y, width, height] = f.split(" ");
    const rect = figure.querySelector("rect");
    Object.entries({x, y, width, height}).forEach(([name, value]) => rect.setAttribute(name, value));
  }
  const box = document.querySelector(".net a.on");
  if (box) {
    const view = box.closest(".scroll"), at = box.getBoundingClientRect(), edge = view.getBoundingClientRect();
    if (at.left < edge.left || at.right > edge.right) view.scrollLeft += at.left - edge.left - edge.width / 2;
  }
};
addEventListener("hashchange", select);

// arrows go from layer to layer, in the order of the network
addEventListener("keydown", event => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, .scroll:focus")) return;
  const at = layers.indexOf(chosen()), last = layers.length - 1;
  const to = {ArrowRight: at + 1, ArrowLeft: at < 0 ? last : at - 1, Home: 0, End: last}[event.key];
  if (event.key === "Escape" && at >= 0) location.hash = "";
  else if (to !== undefined && layers[to] && (at >= 0 || event.target.closest("a"))) {
    location.hash = layers[to].id;
    event.preventDefault();
  }
});

// the table: sorted by a column, filtered by a word, blocks folded
if (table) {
  const bodies = all("tbody", table), rows = all("tbody tr:not(.g)", table);
  const homes = rows.map(row => row.parentNode);
  const tools = make("div", "", document.body, {className: "tools"});
  table.parentNode.before(tools);
  const label = make("label", "Filter ", tools), filter = make("input", "", label, {type: "search"});
  const said = make("span", "", tools);
  said.setAttribute("role", "status");
  const folded = new Set();
  let by = -1, down = true;
  const UNITS = {KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4};
  const value = (row, column) => {
    const text = row.cells[column].textContent;
    const found = text.match(/^(?:>= |<)?([\d,.]+)(?: ([KMGT]iB))?/);
    return found ? +found[1].replaceAll(",", "") * (UNITS[found[2]] || 1) : text && by ? text : -1;
  };
  const show = () => {
    const wanted = filter.value.toLowerCase();
    let count = 0;
    rows.forEach((row, at) => {
      const fits = row.textContent.toLowerCase().includes(wanted);
      count += fits;
      row.hidden = !fits || (by < 0 && !wanted && folded.has(homes[at]));
    });
    all(".g", table).forEach(row => { row.hidden = by >= 0 || !!wanted; });
    said.textContent = wanted ? `${count} of ${rows.length}` : "";
  };
  const sort = () => {
    rows.forEach((row, at) => homes[at].append(row));
    if (by >= 0) {
      const keyed = rows.map((row, at) => [by ? value(row, by) : row.cells[0].textContent, at, row]);
      keyed.sort(([a, i], [b, j]) => (a < b ? -1 : a > b ? 1 : 0) * (down ? -1 : 1) || i - j);
      bodies[0].append(...keyed.map(one => one[2]));
    }
    show();
  };
  all("thead th", table).forEach((head, at) => {
    const button = make("button", head.textContent, Object.assign(head, {textContent: ""}), {type: "button"});
    button.onclick = () => {
      if (by !== at) [by, down] = [at, !table.classList.contains("l" + (at + 1))];
      else if (down === (!table.classList.contains("l" + (at + 1)))) down = !down;
      else by = -1;
      all("thead th", table).forEach(one => one.removeAttribute("aria-sort"));
      if (by >= 0) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      sort();
    };
  });
  const buttons = all(".g", table).map(row => {
    const head = row.cells[0], name = head.textContent, body = row.parentNode;
    const button = make("button", "", Object.assign(head, {textContent: ""}), {type: "button"});
    button.set = open => {
      open ? folded.delete(body) : folded.add(body);
      button.textContent = (open ? "\u25be " : "\u25b8 ") + name;
      button.setAttribute("aria-expanded", open);
    };
    button.onclick = () => { button.set(folded.has(body)); show(); };
    button.set(true);
    return button;
  });
  if (buttons.length) {
    const fold = make("button", "Fold all", tools, {type: "button"});
    fold.onclick = () => {
      const open = folded.size > 0;
      buttons.forEach(one => one.set(open));
      fold.textContent = open ? "Fold all" : "Unfold all";
      show();
    };
  }
  filter.oninput = show;
}
select();
})();
