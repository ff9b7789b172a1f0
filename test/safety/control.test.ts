// One run without a fault; `npm run safety` does twenty.
import { expect, test } from 'vitest';
import { runControls } from './controls.ts';

test('where nothing is broken on purpose nothing breaks, and the run holds', async () => {
  const [control] = await runControls(1);
  expect(control, control?.said).toMatchObject({ exitCode: 0, verdict: 'held', flows: 1_024, broken: 0 });
});
