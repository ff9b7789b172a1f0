// The final map: every survivor's 5-tuple is dialled once more, to see where it would go now.
import type { Dialler } from './dialler.ts';
import type { Flow } from './flow.ts';
import type { Gate } from './gate.ts';
import type { HeldFlows } from './held-flows.ts';
import type { Holding } from './holding.ts';
import { redial } from './mapping.ts';

/**
 * Closes every surviving flow of the protocols that need a new connection to tell, and tells where its 5-tuple goes.
 * Exchanges that are unanswered must have been waited for.
 */
export async function mapSurvivors(held: readonly HeldFlows[], tools: Tools): Promise<void> {
  const survivors = held.filter(({ holding }) => holding.protocol.breaksForGood).flatMap((flows) => flows.takeAll());
  const closeAll = () => {
    for (const { flow, holding } of survivors) flow.close(holding.nowT());
  };
  tools.signal.addEventListener('abort', closeAll, { once: true });
  await Promise.all(survivors.map(({ flow, holding }) => mapOne(flow, holding, tools)));
}

type Tools = { dialler: Dialler; gate: Gate; signal: AbortSignal };

async function mapOne(flow: Flow, holding: Holding, tools: Tools): Promise<void> {
  await tools.gate.pass(async () => {
    flow.close(holding.nowT());
    const found = await redial({ flow, holding, ...tools, gate: null });
    if (!found) return;
    const { ingress, backend, observedSource } = found;
    holding.tell(holding.nowT(), 'flow.final', { flow: flow.id, ingress, backend, observedSource });
  });
}
