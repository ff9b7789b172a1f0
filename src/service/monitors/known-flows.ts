// The flows that lived when a segment began, as events: who reads a monitor's events from there on knows them no other way.
import { UNKNOWN } from '../../analysis/matrix.ts';
import type { WatchSnapshot } from '../../analysis/monitor/watch-snapshot.ts';
import type { EventOf } from '../../core/journal.ts';

/** One `flow.opened` for each, as a journal that began with this segment would have it; what the watch does not keep is empty. */
export function knownFlows({ register }: Pick<WatchSnapshot, 'register'>): EventOf<'flow.opened'>[] {
  return register.flows
    .filter(([, { isSilent, protocol }]) => !isSilent || protocol === 'udp') // a silent UDP flow may speak again
    .map(([flow, { vantage, vip, protocol, path, sourceAddress, observedSource }], index) => ({
      ...{ t: 0, from: `prober:${vantage}`, seq: index + 1, type: 'flow.opened' as const, flow, probe: '', protocol, vip, port: 0 },
      ...{ sourceAddress, sourcePort: 0, observedSource, ingress: path === UNKNOWN ? null : path },
      ...{ backend: '', backendNode: '', boot: '', rttMs: 0 },
    }));
}
