"use strict";
// Draws the lanes of a run. All texts of the run reach the page as `textContent` or on the canvas, never as markup.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const column = data.columns;
  const count = column.number.length;
  const KINDS = ["agent", "tool", "model"];
  const SMALL = "11px system-ui, sans-serif", NORMAL = "13px system-ui, sans-serif";
  const ROW = 26;
  const AXIS = 30;
  const MARGIN = 14;
  const SHOWN_AT_FIRST = 1000; // rows
  const LONGEST_AT_FIRST = 50; // of calls at the top, which are opened although they have many calls

  const by = (id) => document.getElementById(id);
  const lanes = by("lanes"), spacer = by("spacer"), canvas = by("canvas"), details = by("details");
  const search = by("search"), hits = by("hits");
  const pen = canvas.getContext("2d");

  const began = times(column.began), first = times(column.first), ended = times(column.ended);
  const depth = Int32Array.from(column.depth), size = Int32Array.from(column.size);
  const place = new Map(column.number.map((number, at) => [number, at]));
  const parent = new Int32Array(count);
  const isOpen = new Uint8Array(count);
  const wrongBefore = new Int32Array(count + 1); // how many failed calls stand above a row
  const wrong = [];
  const replayed = new Set(data.replayed);
  const end = data.end || 1;
  let rows = []; // the calls that are shown
  let rowOf = new Int32Array(count);
  let from = 0, to = end; // the shown time
  let width = 0, height = 0, side = 0;
  let colour = {};
  let chosen = -1, under = -1, pointer = null, grab = null, isDue = false;
  let found = new Set(), foundList = [], foundAt = -1;
  let haystack = null, texts = [];

  function times(values) {
    return Float64Array.from(values, (value) => (value === null ? NaN : value));
  }

  // --- the tree ---

  function prepare() {
    const above = [];
    for (let at = 0; at < count; at++) {
      above.length = depth[at];
      parent[at] = above.length ? above[above.length - 1] : -1;
      above.push(at);
      const failed = column.outcome[at] === 2;
      wrongBefore[at + 1] = wrongBefore[at] + (failed ? 1 : 0);
      if (failed) wrong.push(at);
    }
    openByDepth();
  }

  function openByDepth() {
    const atDepth = [];
    for (let at = 0; at < count; at++) atDepth[depth[at]] = (atDepth[depth[at]] || 0) + 1;
    let deepest = 0, shown = atDepth[0] || 0;
    const few = shown <= LONGEST_AT_FIRST;
    while (deepest + 1 < atDepth.length && (shown + atDepth[deepest + 1] <= SHOWN_AT_FIRST || (!deepest && few))) {
      shown += atDepth[++deepest];
    }
    for (let at = 0; at < count; at++) isOpen[at] = depth[at] < deepest ? 1 : 0;
  }

  function list() {
    rows = [];
    for (let at = 0; at < count; at += isOpen[at] ? 1 : size[at]) {
      rowOf[at] = rows.length;
      rows.push(at);
    }
    spacer.style.height = `${rows.length * ROW + AXIS + 8}px`;
    draw();
  }

  function reveal(at) {
    let changed = false;
    for (let above = parent[at]; above >= 0; above = parent[above]) {
      changed = changed || !isOpen[above];
      isOpen[above] = 1;
    }
    if (changed) list();
    const top = rowOf[at] * ROW;
    if (top < lanes.scrollTop) lanes.scrollTop = top;
    else if (top + ROW + AXIS > lanes.scrollTop + height) lanes.scrollTop = top + ROW + AXIS - height / 2;
    if (began[at] > to || endOf(at) < from) {
      const half = (to - from) / 2;
      show(began[at] - half, began[at] + half);
    }
  }

  function toggle(at, all) {
    const value = isOpen[at] ? 0 : 1;
    for (let below = at; below < at + (all ? size[at] : 1); below++) isOpen[below] = value;
    list();
  }

  // --- times ---

  const endOf = (at) => (Number.isNaN(ended[at]) ? end : ended[at]);
  const xOf = (time) => side + ((time - from) / (to - from)) * (width - side - MARGIN);
  const timeAt = (x) => from + ((x - side) / (width - side - MARGIN)) * (to - from);

  function show(low, high) {
    const span = Math.min(Math.max(high - low, 0.001), end * 1.02);
    let start = low + (high - low - span) / 2;
    start = Math.max(-end * 0.01, Math.min(start, end * 1.01 - span));
    from = start;
    to = start + span;
    draw();
  }

  function zoom(factor, x) {
    const time = x === undefined ? (from + to) / 2 : timeAt(Math.max(x, side));
    show(time - (time - from) * factor, time + (to - time) * factor);
  }

  function inWords(milliseconds) {
    const size = Math.abs(milliseconds);
    if (size === 0) return "0";
    if (size < 1) return `${(milliseconds * 1000).toFixed(0)} µs`;
    if (size < 10) return `${milliseconds.toFixed(2)} ms`;
    if (size < 1000) return `${milliseconds.toFixed(0)} ms`;
    if (size < 60000) return `${(milliseconds / 1000).toFixed(size < 10000 ? 2 : 1)} s`;
    const minutes = Math.floor(size / 60000);
    if (minutes >= 60) return `${Math.floor(minutes / 60).toLocaleString("en")} h ${minutes % 60} min`;
    const seconds = Math.floor((size % 60000) / 1000);
    return seconds ? `${minutes} min ${seconds} s` : `${minutes} min`;
  }

  function onAxis(time, step) {
    const unit = step < 1 ? ["µs", 1000] : step < 1000 ? ["ms", 1] : ["s", 0.001];
    const value = Math.round(time * unit[1] * 1000) / 1000;
    return `${value.toLocaleString("en")} ${unit[0]}`;
  }

  // --- drawing ---

  function readColours() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["paper", "panel", "line", "faint", "ink", "soft", "agent", "tool", "model", "wrong", "gone"]) {
      colour[name] = style.getPropertyValue(`--${name}`).trim();
    }
    colour.chosen = style.getPropertyValue("--chosen").trim();
    colour.found = style.getPropertyValue("--found").trim();
  }

  function resize() {
    width = lanes.clientWidth;
    height = lanes.clientHeight;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    side = Math.round(Math.min(Math.max(width * 0.3, 150), 380));
    paint();
  }

  function draw() {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(paint);
  }

  function paint() {
    isDue = false;
    pen.fillStyle = colour.paper;
    pen.fillRect(0, 0, width, height);
    const step = drawGrid();
    const top = lanes.scrollTop;
    const start = Math.max(0, Math.floor(top / ROW));
    const stop = Math.min(rows.length, Math.ceil((top + height - AXIS) / ROW) + 1);
    for (let row = start; row < stop; row++) drawRow(rows[row], AXIS + row * ROW - top);
    drawAxis(step);
    canvas.dataset.drawn = String(stop - start);
    canvas.dataset.rows = String(rows.length);
  }

  function drawGrid() {
    const wanted = ((to - from) / Math.max(width - side, 1)) * 110;
    const power = 10 ** Math.floor(Math.log10(wanted));
    const step = power * [1, 2, 5, 10].find((each) => each * power >= wanted);
    pen.fillStyle = colour.faint;
    for (let time = Math.ceil(from / step) * step; time <= to; time += step) {
      if (time >= 0 && time <= end) pen.fillRect(Math.round(xOf(time)), AXIS, 1, height);
    }
    return step;
  }

  function drawAxis(step) {
    pen.fillStyle = colour.paper;
    pen.fillRect(0, 0, width, AXIS);
    pen.fillStyle = colour.line;
    pen.fillRect(0, AXIS - 1, width, 1);
    pen.fillRect(side - 1, 0, 1, height);
    pen.font = SMALL;
    pen.textBaseline = "middle";
    pen.fillStyle = colour.soft;
    for (let time = Math.ceil(from / step) * step; time <= to; time += step) {
      const x = Math.round(xOf(time));
      const text = onAxis(Math.abs(time) < step / 1e6 ? 0 : time, step);
      if (time >= -step / 2 && time <= end && x + 5 + pen.measureText(text).width < width) {
        pen.fillText(text, x + 5, AXIS / 2);
        pen.fillRect(x, AXIS - 7, 1, 6);
      }
    }
    if (pointer && pointer.x > side && !grab) {
      const text = inWords(timeAt(pointer.x));
      const wide = pen.measureText(text).width + 12;
      const x = Math.min(pointer.x, width - wide - 2);
      pen.fillStyle = colour.gone;
      pen.fillRect(Math.round(pointer.x), AXIS, 1, height);
      pen.fillStyle = colour.ink;
      pen.beginPath();
      pen.roundRect(x, 6, wide, 18, 4);
      pen.fill();
      pen.fillStyle = colour.paper;
      pen.fillText(text, x + 6, 15.5);
    }
  }

  function backOf(at) {
    return at === chosen ? colour.chosen : found.has(at) ? colour.found : at === under ? colour.panel : colour.paper;
  }

  function drawRow(at, y) {
    if (backOf(at) !== colour.paper) {
      pen.fillStyle = backOf(at);
      pen.fillRect(0, y, width, ROW);
    }
    const middle = y + ROW / 2;
    pen.textBaseline = "middle";
    pen.font = NORMAL;
    const x = 14 + Math.min(depth[at], Math.floor((side - 110) / 14)) * 14;
    if (size[at] > 1) {
      pen.fillStyle = colour.soft;
      pen.beginPath();
      if (isOpen[at]) {
        pen.moveTo(x - 4, middle - 2); pen.lineTo(x + 4, middle - 2); pen.lineTo(x, middle + 3);
      } else {
        pen.moveTo(x - 2, middle - 4); pen.lineTo(x + 3, middle); pen.lineTo(x - 2, middle + 4);
      }
      pen.fill();
    }
    const failed = column.outcome[at] === 2;
    pen.fillStyle = colour[KINDS[column.kind[at]]];
    pen.beginPath();
    pen.roundRect(x + 9, middle - 4, 8, 8, 2);
    pen.fill();
    let room = side - x - 32;
    const inside = wrongBefore[at + size[at]] - wrongBefore[at + 1];
    if (size[at] > 1 && !isOpen[at]) {
      const below = (size[at] - 1).toLocaleString("en");
      const text = inside ? `${below} · ${inside.toLocaleString("en")} failed` : below;
      pen.font = SMALL;
      pen.fillStyle = inside ? colour.wrong : colour.soft;
      const wide = pen.measureText(text).width;
      pen.fillText(text, side - wide - 10, middle);
      room -= wide + 14;
      pen.font = NORMAL;
    }
    pen.fillStyle = failed ? colour.wrong : column.outcome[at] === 3 || Number.isNaN(began[at]) ? colour.gone : colour.ink;
    pen.fillText(fitting(data.names[column.name[at]], room), x + 24, middle);
    pen.save();
    pen.beginPath();
    pen.rect(side, y, width - side, ROW);
    pen.clip();
    drawBar(at, y, failed);
    pen.restore();
  }

  function drawBar(at, y, failed) {
    if (Number.isNaN(began[at])) {
      label("cancelled before it began", side + 8, y, colour.gone);
      return;
    }
    const left = xOf(began[at]), right = Math.max(xOf(endOf(at)), left + 2);
    if (right < side || left > width) {
      pen.fillStyle = colour.gone;
      const x = right < side ? side + 5 : width - 9, turn = right < side ? -1 : 1;
      pen.beginPath();
      pen.moveTo(x + 3 * turn, y + ROW / 2); pen.lineTo(x - 2 * turn, y + 9); pen.lineTo(x - 2 * turn, y + 17);
      pen.fill();
      return;
    }
    const isCancelled = column.outcome[at] === 3, isGoing = column.outcome[at] === 0;
    const full = failed ? colour.wrong : isCancelled ? colour.gone : colour[KINDS[column.kind[at]]];
    const clippedLeft = Math.max(left, side - 10), clippedRight = Math.min(right, width + 10);
    const start = Number.isNaN(first[at]) ? right : Math.min(Math.max(xOf(first[at]), left), right);
    pen.fillStyle = full;
    pen.globalAlpha = 0.32;
    pen.beginPath();
    pen.roundRect(clippedLeft, y + 7, Math.max(clippedRight - clippedLeft, 2), 12, 3);
    pen.fill();
    pen.globalAlpha = 1;
    if (start < right) { // from the first piece on
      const begin = Math.max(start, side - 10);
      pen.beginPath();
      pen.roundRect(begin, y + 7, Math.max(clippedRight - begin, 2), 12, [begin > left + 3 ? 0 : 3, 3, 3, begin > left + 3 ? 0 : 3]);
      pen.fill();
      pen.fillRect(Math.round(start), y + 4, 2, 18);
    }
    drawTicks(at, y);
    if (isGoing) { // it fades out where nobody knows how it went on
      pen.strokeStyle = full;
      pen.setLineDash([3, 3]);
      pen.strokeRect(clippedLeft + 0.5, y + 7.5, Math.max(clippedRight - clippedLeft - 1, 2), 11);
      pen.setLineDash([]);
      const begin = Math.max(right - 46, left), back = backOf(at);
      const fade = pen.createLinearGradient(begin, 0, right, 0);
      fade.addColorStop(0, `${back}00`); // not "transparent", which is black and would darken the middle
      fade.addColorStop(1, back);
      pen.fillStyle = fade;
      pen.fillRect(begin, y + 4, right - begin + 2, 18);
    }
    if (size[at] > 1 && !isOpen[at]) drawInside(at, y);
    let text = isGoing ? "not finished" : inWords(endOf(at) - began[at]);
    if (isCancelled) text += ", cancelled";
    if (replayed.has(at)) text += ", replayed";
    pen.font = SMALL;
    const wide = pen.measureText(text).width;
    const hue = failed ? colour.wrong : colour.soft;
    if (right + wide + 10 < width) label(text, right + 6, y, hue);
    else if (left - wide - 10 > side) label(text, left - wide - 6, y, hue);
    else if (clippedRight - clippedLeft > wide + 16) {
      const x = Math.min(right, width) - wide - 12;
      pen.fillStyle = backOf(at);
      pen.globalAlpha = 0.85;
      pen.beginPath();
      pen.roundRect(x - 4, y + 6, wide + 8, 14, 3);
      pen.fill();
      pen.globalAlpha = 1;
      label(text, x, y, hue);
    }
  }

  function label(text, x, y, hue) {
    pen.font = SMALL;
    pen.fillStyle = hue;
    pen.fillText(text, x, y + ROW / 2 + 0.5);
  }

  function drawTicks(at, y) {
    const more = data.details[at];
    if (!more || !more.pieces) return;
    pen.fillStyle = colour.paper;
    pen.globalAlpha = 0.75;
    let last = xOf(first[at]) + 1;
    for (const piece of more.pieces) {
      const x = xOf(piece);
      if (x > width) break;
      if (x < side || x - last < 2.5) continue;
      pen.fillRect(Math.round(x), y + 9, 1, 8);
      last = x;
    }
    pen.globalAlpha = 1;
  }

  function drawInside(at, y) {
    // where calls ran that are not shown: the sums of what begins and ends at each pixel
    const any = new Int32Array(width + 2), failed = new Int32Array(width + 2);
    for (let below = at + 1; below < at + size[at]; below++) {
      const left = Math.max(side, Math.round(xOf(began[below]))), right = Math.min(width, Math.round(xOf(endOf(below))));
      if (!(left <= width && right >= side)) continue; // also if it never began
      any[left]++;
      any[Math.max(right, left + 1)]--;
      if (column.outcome[below] === 2) {
        failed[left]++;
        failed[Math.max(right, left + 1)]--;
      }
    }
    for (let x = side, running = 0, wrongs = 0; x <= width; x++) {
      running += any[x];
      wrongs += failed[x];
      if (!running) continue;
      pen.fillStyle = wrongs ? colour.wrong : colour.soft;
      pen.fillRect(x, y + 21, 1, 2);
    }
  }

  const cut = new Map();
  function fitting(text, room) {
    if (text.length > 300) text = `${text.slice(0, 300)}…`;
    const key = `${Math.round(room)} ${text}`;
    if (cut.has(key)) return cut.get(key);
    if (cut.size > 5000) cut.clear();
    let shown = text;
    if (pen.measureText(text).width > room) {
      let low = 0, high = text.length;
      while (low < high) {
        const half = (low + high + 1) >> 1;
        if (pen.measureText(`${text.slice(0, half)}…`).width <= room) low = half;
        else high = half - 1;
      }
      shown = `${text.slice(0, low)}…`;
    }
    cut.set(key, shown);
    return shown;
  }

  // --- details ---

  function element(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function choose(at) {
    chosen = at;
    const isWider = details.hidden !== at < 0;
    details.hidden = at < 0;
    if (at >= 0) fill(at);
    try {
      history.replaceState(null, "", at < 0 ? "#" : `#call=${column.number[at]}`);
    } catch { /* a notebook shows the page in a frame without an address */ }
    if (isWider) resize();
    draw();
  }

  function fill(at) {
    const more = data.details[at] || {};
    const close = element("button", "×");
    close.id = "close";
    close.setAttribute("aria-label", "Close");
    close.onclick = () => choose(-1);
    details.replaceChildren(close, element("h2", data.names[column.name[at]]));
    const outcome = ["not finished", "done", "failed", "cancelled"][column.outcome[at]];
    const facts = element("dl");
    const fact = (name, value) => facts.append(element("dt", name), element("dd", value));
    fact("call", `${column.number[at]}, ${KINDS[column.kind[at]]}, ${outcome}`);
    if (parent[at] >= 0) fact("called by", `${data.names[column.name[parent[at]]]} (${column.number[parent[at]]})`);
    if (!Number.isNaN(began[at])) {
      fact("began", `at ${inWords(began[at])}`);
      if (!Number.isNaN(first[at])) fact("first piece", `after ${inWords(first[at] - began[at])}`);
      if (!Number.isNaN(ended[at])) fact("took", inWords(ended[at] - began[at]));
    }
    if (more.count) fact("pieces", more.count.toLocaleString("en"));
    for (const [name, value] of more.facts || []) fact(name, value);
    details.append(facts);
    if (more.error) details.append(element("h3", "Error"), element("pre", more.error, "wrong"));
    if (more.arguments) {
      details.append(element("h3", "Arguments"), element("pre", more.arguments));
    }
    for (const [title, texts] of [["Messages", more.messages], ["Replies", more.replies]]) {
      if (!texts) continue;
      details.append(element("h3", title));
      for (const [from, text] of texts.map((place) => data.texts[place])) details.append(element("div", from, "by"), element("pre", text));
    }
    details.scrollTop = 0;
  }

  // --- search ---

  function hay() {
    if (!haystack) {
      haystack = data.details.map((more, at) => {
        const name = data.names[column.name[at]];
        return [name, more?.error || "", more?.arguments || ""].join("\n").toLowerCase();
      });
      texts = data.texts.map(([, text]) => text.toLowerCase());
    }
    return haystack;
  }

  function find() {
    const text = search.value.trim().toLowerCase();
    foundList = [];
    if (text) {
      const own = hay(), has = texts.map((each) => each.includes(text)), isIn = (place) => has[place];
      data.details.forEach((more, at) => {
        if (own[at].includes(text) || more?.messages?.some(isIn) || more?.replies?.some(isIn)) foundList.push(at);
      });
    }
    found = new Set(foundList);
    foundAt = -1;
    hits.textContent = text ? `${foundList.length.toLocaleString("en")} found` : "";
    if (foundList.length) next(foundList, 1);
    draw();
  }

  function next(places, by) {
    if (!places.length) return;
    if (places === foundList) {
      foundAt = (foundAt + by + places.length) % places.length;
      hits.textContent = `${foundAt + 1} of ${places.length.toLocaleString("en")}`;
      reveal(places[foundAt]);
      choose(places[foundAt]);
      return;
    }
    const behind = places.find((at) => at > chosen);
    const at = behind === undefined ? places[0] : behind;
    reveal(at);
    choose(at);
  }

  // --- what people do ---

  function atPoint(event) {
    const box = canvas.getBoundingClientRect();
    const x = event.clientX - box.left, y = event.clientY - box.top;
    const row = y < AXIS ? -1 : Math.floor((y - AXIS + lanes.scrollTop) / ROW);
    return { x, y, at: row >= 0 && row < rows.length ? rows[row] : -1 };
  }

  function listen() {
    lanes.addEventListener("scroll", draw, { passive: true });
    canvas.addEventListener("pointermove", (event) => {
      pointer = atPoint(event);
      under = pointer.at;
      if (grab) {
        const moved = ((grab.x - pointer.x) / (width - side - MARGIN)) * (grab.to - grab.from);
        grab.moved = grab.moved || Math.abs(grab.x - pointer.x) > 4;
        if (grab.moved) show(grab.from + moved, grab.to + moved);
      }
      canvas.style.cursor = grab && grab.moved ? "grabbing" : under >= 0 ? "pointer" : "default";
      draw();
    });
    canvas.addEventListener("pointerleave", () => { pointer = null; under = -1; draw(); });
    canvas.addEventListener("pointerdown", (event) => {
      const point = atPoint(event);
      grab = { ...point, from, to, moved: false };
      if (point.x > side) canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointerup", (event) => {
      const point = atPoint(event);
      const isClick = grab && !grab.moved && point.at === grab.at && point.at >= 0;
      grab = null;
      if (!isClick) return;
      const x = 14 + Math.min(depth[point.at], Math.floor((side - 110) / 14)) * 14;
      if (point.x < x + 9 && size[point.at] > 1) toggle(point.at, event.altKey);
      else choose(point.at === chosen ? -1 : point.at);
    });
    canvas.addEventListener("dblclick", (event) => {
      const { at, x } = atPoint(event);
      if (at < 0) return;
      if (x < side) { if (size[at] > 1) toggle(at, event.altKey); return; }
      const span = Math.max(endOf(at) - began[at], 0.01);
      show(began[at] - span * 0.1, began[at] + span * 1.1);
    });
    canvas.addEventListener("wheel", (event) => {
      const isAcross = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        zoom(Math.exp(Math.max(-60, Math.min(event.deltaY, 60)) * 0.008), atPoint(event).x);
      } else if (isAcross) {
        event.preventDefault();
        const moved = ((event.deltaX || event.deltaY) / (width - side)) * (to - from);
        show(from + moved, to + moved);
      }
    }, { passive: false });
    lanes.addEventListener("keydown", (event) => {
      const at = chosen < 0 ? -1 : rowOf[chosen];
      const go = (row) => { if (rows.length) { const to = rows[Math.max(0, Math.min(row, rows.length - 1))]; reveal(to); choose(to); } };
      const acts = {
        ArrowDown: () => go(at + 1), ArrowUp: () => go(at - 1), Home: () => go(0), End: () => go(rows.length),
        PageDown: () => go(at + 20), PageUp: () => go(at - 20),
        ArrowRight: () => { if (chosen >= 0 && size[chosen] > 1 && !isOpen[chosen]) toggle(chosen); else go(at + 1); },
        ArrowLeft: () => {
          if (chosen >= 0 && isOpen[chosen] && size[chosen] > 1) toggle(chosen);
          else if (chosen >= 0 && parent[chosen] >= 0) go(rowOf[parent[chosen]]);
        },
        "+": () => zoom(0.7), "-": () => zoom(1 / 0.7), 0: fit,
      };
      if (acts[event.key] && !event.ctrlKey && !event.metaKey) { event.preventDefault(); acts[event.key](); }
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && document.activeElement !== search) { event.preventDefault(); search.focus(); }
      if (event.key === "Escape") { if (search.value) { search.value = ""; find(); } choose(-1); lanes.focus(); }
    });
    let waiting = 0;
    search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(find, 120); });
    search.addEventListener("keydown", (event) => { if (event.key === "Enter") next(foundList, event.shiftKey ? -1 : 1); });
    by("closer").onclick = () => zoom(0.6);
    by("wider").onclick = () => zoom(1 / 0.6);
    by("fit").onclick = fit;
    by("open").onclick = () => { isOpen.fill(1); list(); };
    by("shut").onclick = () => { isOpen.fill(0); list(); lanes.scrollTop = 0; };
    by("wrong").onclick = () => next(wrong, 1);
    new ResizeObserver(resize).observe(lanes);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); draw(); });
  }

  function fit() {
    show(-end * 0.01, end * 1.01);
  }

  function begin() {
    prepare();
    readColours();
    const failed = wrong.length;
    const open = column.outcome.filter((each) => each === 0).length;
    const facts = [`${count.toLocaleString("en")} ${count === 1 ? "call" : "calls"}`, inWords(end)];
    if (open) facts.push(`${open.toLocaleString("en")} not finished`);
    by("said").textContent = facts.join(" · ");
    by("wrong").textContent = `${failed.toLocaleString("en")} failed`;
    by("wrong").hidden = !failed;
    listen();
    list();
    fit();
    resize();
    const asked = new URLSearchParams(location.hash.slice(1));
    if (place.has(Number(asked.get("call")))) {
      const at = place.get(Number(asked.get("call")));
      reveal(at);
      choose(at);
    }
    if (asked.get("search")) { search.value = asked.get("search"); find(); }
    document.documentElement.dataset.ready = String(count);
  }

  begin();
})();
