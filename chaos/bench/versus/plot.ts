import type { Availability } from './availability.ts';

/** One system's part of a plot. */
export interface Panel {
  readonly title: string;
  readonly availability: Availability;
}

const WIDTH = 760;
const PANEL_HEIGHT = 130;
const PANEL_GAP = 46;
const LEFT = 52;
const RIGHT = 16;
const TOP = 54;
const BOTTOM = 40;
const PROXIED = '#1f6fb4';
const DIRECT = '#b9c6d3';
const FAULT = '#c0392b';
const FONT = 'font-family="system-ui, sans-serif" font-size="12"';

const escape = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
const fixed = (value: number): string => String(Math.round(value * 10) / 10);

/** A step that divides `span` into at most about ten: 1, 2 or 5 times a power of ten. */
export const niceStep = (span: number): number => {
  const power = 10 ** Math.floor(Math.log10(span / 10));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => span / step <= 10) ?? span;
};

interface Scale {
  x(seconds: number): number;
  y(rate: number): number;
}

/** A line of steps, closed down to zero so that it can be filled. */
const area = (scale: Scale, { fromSeconds, stepSeconds }: Availability, rates: readonly number[]): string => {
  const corners = rates.flatMap((rate, slot) => {
    const begins = fromSeconds + slot * stepSeconds;
    return [
      `${fixed(scale.x(begins))},${fixed(scale.y(rate))}`,
      `${fixed(scale.x(begins + stepSeconds))},${fixed(scale.y(rate))}`,
    ];
  });
  const end = fromSeconds + rates.length * stepSeconds;
  return `${fixed(scale.x(fromSeconds))},${fixed(scale.y(0))} ${corners.join(' ')} ${fixed(scale.x(end))},${fixed(scale.y(0))}`;
};

/** Where one system's run was over before the other's: nothing was written there any more. */
const drawEnd = ({ availability }: Panel, scale: Scale, top: number): readonly string[] => {
  const { fromSeconds, stepSeconds, direct } = availability;
  const end = scale.x(fromSeconds + direct.length * stepSeconds);
  const width = WIDTH - RIGHT - end;
  if (width < 1) return [];
  const ground = `<rect x="${fixed(end)}" y="${top}" width="${fixed(width)}" height="${PANEL_HEIGHT}" fill="#f4f4f4"/>`;
  const words = `<text x="${fixed(end + 8)}" y="${top + 18}" ${FONT} fill="#777">the run was over</text>`;
  return width < 120 ? [ground] : [ground, words];
};

const drawPanel = (
  { title, availability }: Panel,
  scale: Scale,
  top: number,
  highest: number,
  end: readonly string[],
): readonly string[] => [
  `<text x="${LEFT}" y="${top - 8}" ${FONT} font-weight="600" fill="#222">${escape(title)}</text>`,
  ...end,
  `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${fixed(scale.y(highest))}" y2="${fixed(scale.y(highest))}" stroke="#e3e3e3"/>`,
  `<polygon points="${area(scale, availability, availability.direct)}" fill="${DIRECT}"/>`,
  `<polygon points="${area(scale, availability, availability.proxied)}" fill="${PROXIED}"/>`,
  `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${fixed(scale.y(0))}" y2="${fixed(scale.y(0))}" stroke="#888"/>`,
  `<line x1="${fixed(scale.x(0))}" x2="${fixed(scale.x(0))}" y1="${top}" y2="${top + PANEL_HEIGHT}" stroke="${FAULT}" stroke-dasharray="3 3"/>`,
  `<text x="${LEFT - 6}" y="${fixed(scale.y(highest) + 4)}" ${FONT} text-anchor="end" fill="#555">${highest}/s</text>`,
  `<text x="${LEFT - 6}" y="${fixed(scale.y(0) + 4)}" ${FONT} text-anchor="end" fill="#555">0</text>`,
];

/**
 * Acknowledged writes a second over time since the fault, one system below the other on the same axes. Returns an SVG
 * document with white ground.
 */
export const renderPlot = (title: string, panels: readonly Panel[]): string => {
  const slots = panels.map(({ availability }) => availability);
  const from = Math.min(...slots.map(({ fromSeconds }) => fromSeconds));
  const to = Math.max(
    ...slots.map(({ fromSeconds, stepSeconds, direct }) => fromSeconds + direct.length * stepSeconds),
  );
  const rates = slots.flatMap(({ proxied, direct }) => [...proxied, ...direct]);
  const highest = Math.max(50, Math.ceil(Math.max(...rates) / 50) * 50);
  const height = TOP + panels.length * (PANEL_HEIGHT + PANEL_GAP) - PANEL_GAP + BOTTOM;
  const x = (seconds: number): number => LEFT + ((seconds - from) / (to - from)) * (WIDTH - LEFT - RIGHT);
  const step = niceStep(to - from);
  const ticks = Array.from({ length: Math.floor(to / step) - Math.ceil(from / step) + 1 }, (_, index) =>
    Number(((Math.ceil(from / step) + index) * step).toFixed(3)),
  );
  const bottom = height - BOTTOM;
  const body = [
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="${LEFT}" y="18" ${FONT} font-weight="700" fill="#111">${escape(title)}</text>`,
    ...panels.flatMap((panel, index) => {
      const top = TOP + index * (PANEL_HEIGHT + PANEL_GAP);
      const y = (rate: number): number => top + PANEL_HEIGHT * (1 - rate / highest);
      return drawPanel(panel, { x, y }, top, highest, drawEnd(panel, { x, y }, top));
    }),
    ...ticks.flatMap((tick) => [
      `<line x1="${fixed(x(tick))}" x2="${fixed(x(tick))}" y1="${bottom}" y2="${bottom + 4}" stroke="#888"/>`,
      `<text x="${fixed(x(tick))}" y="${bottom + 18}" ${FONT} text-anchor="middle" fill="#555">${tick} s</text>`,
    ]),
    `<text x="${WIDTH - RIGHT}" y="${height - 6}" ${FONT} text-anchor="end" fill="#555">acknowledged writes: through HAProxy (blue), straight to the members (grey); the fault at 0</text>`,
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">\n${body.join('\n')}\n</svg>\n`;
};
