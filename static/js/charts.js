// <figure data-chart="line|bar"> with its data in a JSON block (data-json="id") or behind data-src.
// {labels, titles, unit, series: [{name, values, urls, tone, notes, low, high, unfinished}], benchmark: {value, label}, min, max, stacked, horizontal}
// A point with a url opens the rows behind it; `low` and `high` are the band around a line, `unfinished` the place of a point that is not
// over yet. The table beside the chart says the same in words.

import { script, word } from "./lib.js";

const TONES = { accent: "--accent", red: "--red", amber: "--amber", green: "--green", blue: "--blue", violet: "--violet", grey: "--line-strong" };
const ORDER = ["accent", "blue", "violet", "amber", "grey"];
const live = new Set();

/** A token as the colour it is in the present theme (custom properties come unresolved, so an element is asked). */
function colours(figure) {
  const probe = document.createElement("span");
  probe.hidden = true;
  figure.append(probe);
  const ask = (token) => {
    probe.style.color = `var(${token})`;
    return getComputedStyle(probe).color;
  };
  const found = { line: ask("--line"), ink: ask("--ink"), ink2: ask("--ink-2"), surface: ask("--surface"), tones: {} };
  for (const [tone, token] of Object.entries(TONES)) found.tones[tone] = ask(token);
  found.soft = ask("--accent-soft");
  probe.remove();
  return found;
}

const thin = (value) => String(value).replace("-", "−");

/** A value as people read it: €3,504 where the unit is a currency, else 84.8. */
function say(value, unit) {
  const language = document.documentElement.lang || "en";
  const money = /^[A-Z]{3}$/.test(unit || "");
  return thin(Number(value).toLocaleString(language, money ? { style: "currency", currency: unit, maximumFractionDigits: 0 } : {}));
}

/** How far the line stays from the height `y` between two places across; nothing is as far as can be. */
function clearance(points, from, to, y) {
  const inside = points.filter(({ x }) => x >= from && x <= to).map((point) => point.y);
  for (const [n, point] of points.slice(1).entries()) {
    const before = points[n];
    for (const edge of [from, to]) {
      if (before.x <= edge && edge <= point.x) inside.push(before.y + ((point.y - before.y) * (edge - before.x)) / (point.x - before.x || 1));
    }
  }
  return Math.min(...inside.map((height) => Math.abs(height - y)), Infinity);
}

/** Where the benchmark's words touch the line least: under or over it, at its end or at its start, never on the last value's words. */
function quietPlace(area, line, points, width, taken) {
  const places = [true, false].flatMap((isEnd) => [15, -7].map((shift) => ({ isEnd, baseline: line + shift })));
  for (const place of places) {
    const from = place.isEnd ? area.right - width : area.left;
    const inside = place.baseline - 12 > area.top && place.baseline < area.bottom;
    const onWords = taken && from < taken.right && from + width > taken.left && Math.abs(place.baseline - taken.baseline) < 18;
    place.room = inside && !onWords ? clearance(points, from - 6, from + width + 6, place.baseline - 4) : -1;
  }
  return places.find(({ room }) => room > 16) || places.reduce((best, place) => (place.room > best.room ? place : best));
}

const LAST_FONT = "640 14px Inter, sans-serif";

/** The words of a single line's last value, and the place where they touch the line least. */
function lastValue(chart, options) {
  const values = chart.data.datasets[0].data;
  const index = values.findLastIndex((value) => value !== null);
  const points = chart.getDatasetMeta(0).data;
  if (!options.last || index < 0 || !points.length) return null;
  chart.ctx.font = LAST_FONT;
  const text = say(values[index], options.unit);
  const width = chart.ctx.measureText(text).width;
  const { x, y } = points[index];
  const before = points.filter((_point, n) => n <= index && values[n] !== null);
  const under = y + 22 < chart.chartArea.bottom && clearance(before, x - width - 4, x - 12, y - 16) < 12;
  return { text, left: x - width, right: x, baseline: under ? y + 22 : y - 12 };
}

/** The benchmark's words, and the last value of a single line, written on the chart itself. */
const words = {
  id: "words",
  afterDatasetsDraw(chart, _args, options) {
    const { ctx, chartArea } = chart;
    ctx.save();
    ctx.textAlign = "right";
    const taken = lastValue(chart, options);
    if (taken) {
      ctx.font = LAST_FONT;
      ctx.fillStyle = options.ink;
      ctx.fillText(taken.text, taken.right, taken.baseline);
    }
    if (options.benchmark && chart.options.indexAxis !== "y") {
      const y = chart.scales.y.getPixelForValue(options.benchmark.value);
      const text = `${options.benchmark.label || word("benchmark")} ${thin(options.benchmark.value)}`;
      ctx.font = "500 12px Inter, sans-serif";
      ctx.fillStyle = options.ink2;
      const drawn = chart.getDatasetMeta(0).data.filter((_point, n) => chart.data.datasets[0].data[n] !== null);
      const place = quietPlace(chartArea, y, chart.config.type === "line" ? drawn : [], ctx.measureText(text).width, taken);
      ctx.textAlign = place.isEnd ? "right" : "left";
      ctx.fillText(text, place.isEnd ? chartArea.right : chartArea.left, place.baseline);
      ctx.textAlign = "right";
    }
    ctx.restore();
  },
};

function dataset(series, index, kind, palette, count) {
  const colour = palette.tones[series.tone ?? ORDER[index % ORDER.length]];
  const last = series.values.findLastIndex((value) => value !== null);
  const at = series.unfinished ?? -1;
  const line = {
    segment: { borderDash: ({ p1DataIndex }) => (p1DataIndex === at ? [3, 3] : undefined), borderColor: ({ p1DataIndex }) => (p1DataIndex === at ? palette.ink2 : undefined) },
    borderWidth: 2,
    tension: 0,
    pointRadius: series.values.map((_value, n) => (count === 1 && n === last ? 4 : 0)),
    pointHoverRadius: 5,
    pointHitRadius: 14,
    spanGaps: false,
    pointBackgroundColor: colour,
    borderDash: index > 0 ? [[], [6, 3], [2, 3], [8, 3, 2, 3]][index % 4] : [],
  };
  const bar = { backgroundColor: series.values.map((_value, n) => (n === at ? palette.tones.grey : colour)), borderWidth: 0, borderRadius: 4, maxBarThickness: 28, borderSkipped: false };
  return { label: series.name, data: series.values, borderColor: colour, backgroundColor: colour, ...(kind === "line" ? line : bar) };
}

function config(kind, data, palette) {
  const flat = data.horizontal;
  const count = data.series.length;
  const datasets = data.series.map((series, index) => dataset(series, index, kind, palette, count));
  if (data.benchmark && !flat) {
    datasets.push({ type: "line", label: data.benchmark.label || word("benchmark"), data: data.labels.map(() => data.benchmark.value), borderColor: palette.ink2, borderWidth: 1, borderDash: [4, 4], pointRadius: 0, pointHitRadius: 0, isQuiet: true });
  }
  for (const series of data.series.filter(({ low }) => low)) {
    const edge = { type: "line", borderWidth: 0, pointRadius: 0, pointHitRadius: 0, pointHoverRadius: 0, backgroundColor: palette.soft, isQuiet: true };
    datasets.push({ ...edge, label: "", data: series.low, fill: "+1" }, { ...edge, label: "", data: series.high });
  }
  const font = { family: "Inter, sans-serif", size: 12 };
  const values = { beginAtZero: kind === "bar", suggestedMin: data.min, suggestedMax: data.max, stacked: Boolean(data.stacked), border: { display: false }, grid: { color: palette.line, drawTicks: false }, ticks: { color: palette.ink2, font, padding: 8, maxTicksLimit: 5, callback: (value) => say(value, data.unit) } };
  const labels = { stacked: Boolean(data.stacked), border: { display: false }, grid: { display: false }, ticks: { color: palette.ink2, font, padding: 6, autoSkip: true, maxRotation: 0 } };
  return {
    type: kind,
    data: { labels: data.labels, datasets },
    options: {
      responsive: true,
      maintainAspectRatio: false,
      animation: false,
      indexAxis: flat ? "y" : "x",
      layout: { padding: { top: count === 1 && kind === "line" ? 28 : 4, right: 8 } },
      interaction: { mode: "index", intersect: false },
      scales: { x: flat ? values : labels, y: flat ? labels : values },
      plugins: {
        legend: { display: count > 1, position: "top", align: "start", labels: { color: palette.ink2, font, boxWidth: 14, boxHeight: 2, filter: (item, all) => !all.datasets[item.datasetIndex].isQuiet } },
        tooltip: { backgroundColor: palette.ink, titleColor: palette.surface, bodyColor: palette.surface, titleFont: font, bodyFont: font, displayColors: count > 1, filter: ({ dataset }) => !dataset.isQuiet, callbacks: { title: ([item]) => data.titles?.[item?.dataIndex] ?? item?.label, afterLabel: ({ datasetIndex, dataIndex }) => data.series[datasetIndex]?.notes?.[dataIndex] || undefined, label: (item) => `${item.dataset.label}: ${say(item.raw, data.unit)}${data.unit && !/^[A-Z]{3}$/.test(data.unit) ? ` ${data.unit}` : ""}` } },
        words: { benchmark: data.benchmark, unit: data.unit, ink: palette.ink, ink2: palette.ink2, last: kind === "line" && count === 1 },
      },
      onClick: (_event, hits) => {
        const hit = hits.find(({ datasetIndex, index }) => data.series[datasetIndex]?.urls?.[index]);
        if (hit) location.assign(data.series[hit.datasetIndex].urls[hit.index]);
      },
      onHover: (event, hits) => {
        const opens = hits.some(({ datasetIndex, index }) => data.series[datasetIndex]?.urls?.[index]);
        event.native.target.style.cursor = opens ? "pointer" : "";
      },
    },
    plugins: [words],
  };
}

async function read(figure) {
  if (figure.dataset.json) return JSON.parse(document.getElementById(figure.dataset.json).textContent);
  const answer = await fetch(figure.dataset.src, { headers: { Accept: "application/json" }, credentials: "same-origin" });
  if (!answer.ok) throw new Error(`chart: ${answer.status}`);
  return answer.json();
}

export async function start(figure) {
  figure.setAttribute("aria-busy", "true");
  try {
    const [data] = await Promise.all([read(figure), script("asset-chart"), document.fonts?.load("500 12px Inter")]);
    const canvas = figure.querySelector("canvas");
    if (!canvas?.isConnected) return;
    window.Chart.getChart(canvas)?.destroy();
    const draw = () => new window.Chart(canvas, config(figure.dataset.chart, data, colours(figure)));
    live.add({ figure, draw });
    draw();
  } finally {
    figure.removeAttribute("aria-busy");
  }
}

// Light becomes dark, or paper: draw again in the right colours.
function redraw() {
  for (const entry of live) {
    const canvas = entry.figure.querySelector("canvas");
    if (!canvas?.isConnected) {
      live.delete(entry);
      continue;
    }
    window.Chart.getChart(canvas)?.destroy();
    entry.draw();
  }
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
window.addEventListener("beforeprint", redraw);
window.addEventListener("afterprint", redraw);
