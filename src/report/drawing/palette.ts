// Colours with one meaning each: a path keeps its own everywhere, vermillion is harm, grey is "not known, or not the network's fault".
//
// Okabe & Ito, "Color Universal Design" (2008): eight colours that people of every kind of colour vision tell apart.
import type { Report } from '../../core/report-format.ts';
import { compareNames } from '../format.ts';

/** Of paths; vermillion, grey and black are kept for harm and the unknown. */
export const PATH_COLOURS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#f0e442'] as const;
export const HARM_COLOUR = '#d55e00';
export const UNKNOWN_COLOUR = '#8a8a8a';

/** Class of what has no name: an ingress nobody could tell, a prober's own failure. */
export const UNKNOWN_CLASS = 'pu';

/** Class name of a path's colour: `p0`, `p1`, …; beyond the six colours they are hatched (`p6` is `p0` hatched); `pu` for the unknown. */
export type Palette = (path: string | null) => string;

/** Every path the report names gets its colour. */
export function paletteOf(report: Report): Palette {
  return paletteOfNames(pathNames(report));
}

/** Each of the names gets its colour, in their natural order; null and `unknown` name no path. */
export function paletteOfNames(names: Iterable<string | null>): Palette {
  const known = [...new Set(names)].flatMap((name) => (name === null || name === 'unknown' ? [] : [name]));
  const order = new Map(known.sort(compareNames).map((name, index) => [name, index] as const));
  return (path) => {
    const index = path === null ? undefined : order.get(path);
    return index === undefined ? UNKNOWN_CLASS : `p${String(index % (PATH_COLOURS.length * 2))}`;
  };
}

function pathNames(report: Report): (string | null)[] {
  return [
    ...report.events.flatMap((window) => window.nextHops.flatMap(({ before, after }) => [...before, ...after])),
    ...report.timeline.nextHops.flatMap(({ nodes }) => nodes),
    ...report.timeline.flows.map(({ ingress }) => ingress),
    ...report.paths.map(({ ingress }) => ingress),
    ...report.matrix.flatMap(({ from, to }) => [from, to]),
    ...report.sourceIp.map(({ ingress }) => ingress),
  ];
}
