// Filter, search and sort the attribute matrix. The state lives in the address after "#", so a
// view can be sent to a colleague. Without this script every change is listed in its own order.
(() => {
  "use strict";
  const table = document.getElementById("matrix-table");
  if (!table) return;
  const body = table.tBodies[0];
  const form = document.getElementById("filters");
  const shown = document.getElementById("shown");
  const heads = Array.from(table.tHead.rows[0].cells).filter((head) => head.dataset.key);
  const steps = heads.filter((head) => head.dataset.step).map((head) => head.dataset.step);
  const rows = Array.from(body.rows, (row, place) => ({ row, place, text: null }));
  const rank = {
    result: ["exception", "undetermined", "compliant"],
    step: ["e", "u", "p", "n", "-"],
  };
  const order = new Intl.Collator("en", { numeric: true, sensitivity: "base" }).compare;
  const names = ["q", "result", "class", "repository", "step"];
  let state = {};
  let sorted = "";

  const text = (item) => (item.text ??= item.row.textContent.toLowerCase());

  function read() {
    const address = new URLSearchParams(location.hash.slice(1));
    const found = { sort: "", down: address.get("down") === "1" };
    for (const name of names) {
      const wanted = address.get(name) ?? "";
      const options = form.elements[name].options;
      const known = !options || Array.from(options).some((option) => option.value === wanted);
      found[name] = known ? wanted : "";
    }
    const key = address.get("sort") ?? "";
    if (heads.some((head) => head.dataset.key === key)) found.sort = key;
    return found;
  }

  function write() {
    const address = new URLSearchParams();
    for (const name of names) if (state[name]) address.set(name, state[name]);
    if (state.sort) address.set("sort", state.sort);
    if (state.sort && state.down) address.set("down", "1");
    history.replaceState(null, "", location.href.split("#")[0] + "#" + address);
  }

  function matches() {
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    const [step, outcome] = state.step.split(":");
    const column = steps.indexOf(step);
    return (item) => {
      const data = item.row.dataset;
      return (
        (!state.result || data.result === state.result) &&
        (!state.class || data.class === state.class) &&
        (!state.repository || data.repository === state.repository) &&
        (column < 0 || data.steps[column] === outcome[0]) &&
        words.every((word) => text(item).includes(word))
      );
    };
  }

  function value(item, key) {
    const cells = item.row.cells;
    if (key === "merged") return cells[2].firstElementChild.dateTime;
    if (key === "result") return rank.result.indexOf(item.row.dataset.result);
    const column = steps.indexOf(key.replace("step", ""));
    if (column >= 0) return rank.step.indexOf(item.row.dataset.steps[column]);
    if (key === "change") return cells[0].firstElementChild.textContent;
    return cells[heads.findIndex((head) => head.dataset.key === key)].textContent;
  }

  function arrange() {
    const wanted = state.sort + (state.down ? " down" : "");
    if (wanted === sorted) return;
    sorted = wanted;
    const turn = state.down ? -1 : 1;
    const keyed = rows.map((item) => [state.sort ? value(item, state.sort) : item.place, item]);
    const compare = typeof keyed[0][0] === "number" ? (a, b) => a - b : order;
    keyed.sort((a, b) => turn * compare(a[0], b[0]) || a[1].place - b[1].place);
    body.remove(); // rows move much faster outside the page
    for (const [, item] of keyed) body.append(item.row);
    table.append(body);
    for (const head of heads) {
      const here = head.dataset.key === state.sort;
      head.setAttribute("aria-sort", here ? (state.down ? "descending" : "ascending") : "none");
    }
  }

  function show() {
    for (const name of names) {
      const field = form.elements[name];
      if (field.value !== state[name]) field.value = state[name];
    }
    arrange();
    const fits = matches();
    let count = 0;
    for (const item of rows) {
      const fit = fits(item);
      count += fit;
      if (item.row.hidden === fit) item.row.hidden = !fit;
    }
    const format = (number) => number.toLocaleString("en");
    shown.textContent = count
      ? `Showing ${format(count)} of ${format(rows.length)} changes`
      : `No change matches: 0 of ${format(rows.length)} shown`;
  }

  let wait = 0;
  function change(parts) {
    clearTimeout(wait);
    state = { ...state, ...Object.fromEntries(new FormData(form)), ...parts };
    write();
    show();
  }

  form.hidden = false;
  document.getElementById("plain").hidden = true;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    clearTimeout(wait);
    const pause = event.target.name === "q" ? 120 : 0;
    wait = setTimeout(() => change({}), pause);
  });
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    change({ q: "", result: "", class: "", repository: "", step: "", sort: "", down: false });
  });

  for (const head of heads) {
    const button = document.createElement("button");
    button.type = "button";
    button.title = head.title ? `Sort by ${head.title}` : `Sort by ${head.textContent.trim()}`;
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const key = head.dataset.key;
      if (state.sort !== key) change({ sort: key, down: false });
      else change(state.down ? { sort: "", down: false } : { down: true });
    });
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-filter]");
    if (!link) return;
    event.preventDefault();
    const wanted = new URLSearchParams(link.dataset.filter);
    change(Object.fromEntries(names.map((name) => [name, wanted.get(name) ?? ""])));
    document.getElementById("matrix").scrollIntoView();
  });

  window.addEventListener("hashchange", () => {
    if (location.hash && !location.hash.includes("=")) return; // a link to a part of the page
    state = read();
    show();
  });
  state = read();
  show();
  if (location.hash.includes("=")) document.getElementById("matrix").scrollIntoView();
})();
