// Stacked areas in steps: a count holds for its second and then jumps; a slope would show flows that never were.
import { roundOff, type Scale } from './scales.ts';

/**
 * SVG path data of each layer, the first at the bottom.
 * @param layers counts by step, all of one length
 * @param scales `x` takes a step's number, `y` a count
 */
export function stackedSteps(layers: readonly (readonly number[])[], scales: { x: Scale; y: Scale }): string[] {
  const steps = layers[0]?.length ?? 0;
  let floor = new Array<number>(steps).fill(0);
  return layers.map((layer) => {
    const bottom = floor;
    const top = bottom.map((below, step) => below + (layer[step] ?? 0));
    floor = top;
    if (layer.every((count) => count === 0)) return '';
    return `${edge(top, scales, 'forward')}${edge(bottom, scales, 'backward')}Z`;
  });
}

/** One staircase; equal steps in a row share one stroke. */
function edge(heights: readonly number[], { x, y }: { x: Scale; y: Scale }, direction: 'forward' | 'backward'): string {
  const runs: { from: number; until: number; height: number }[] = [];
  heights.forEach((height, step) => {
    const run = runs.at(-1);
    if (run?.height === height) run.until = step + 1;
    else runs.push({ from: step, until: step + 1, height });
  });
  const points = runs.flatMap(({ from, until, height }) => [
    [from, height],
    [until, height],
  ]);
  if (direction === 'backward') points.reverse();
  const line = points.map(([step = 0, height = 0]) => `${String(roundOff(x(step)))} ${String(roundOff(y(height)))}`).join('L');
  return `${direction === 'forward' ? 'M' : 'L'}${line}`;
}
