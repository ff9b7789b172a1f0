// A journal event as one line for a person who is watching; the ones that come by the thousand are left to the counters.
import type { JournalEvent } from '../core/journal.ts';
import { formatDurationMs } from '../core/units.ts';

/** The event in words; null for those that would only scroll past. */
export function describeEvent(event: JournalEvent): string | null {
  switch (event.type) {
    case 'run.started':
      return `run ${event.runId} began, seed ${String(event.seed)}`;
    case 'phase.started':
      return `phase: ${event.phase}`;
    case 'timeline.ended':
      return 'the timeline ended: survivors are re-dialled once (final map)';
    case 'run.note':
      return event.note;
    case 'run.aborted':
      return `ABORTED: ${event.why}`;
    case 'run.ended':
      return `verdict: ${event.verdict}`;
    case 'vantage.ready':
      return `${event.vantage}: ${String(event.opened)} flows open${event.failed > 0 ? `, ${String(event.failed)} could not be opened` : ''}`;
    case 'fault.planned':
      return `planned: ${event.kind} at ${event.target}, at ${formatDurationMs(event.atMs)} for ${formatDurationMs(event.forMs)}`;
    case 'fault.intent':
      return `${event.kind} at ${event.target}: injecting, for ${formatDurationMs(event.forMs)}`;
    case 'fault.in-force':
      return `${event.kind} at ${event.target}: in force`;
    case 'fault.lost':
      return `${event.kind} at ${event.target}: vanished without us: ${event.reason}`;
    case 'fault.reverting':
      return `${event.kind} at ${event.target}: reverting (${event.reason})`;
    case 'fault.verified':
      return `${event.kind} at ${event.target}: reverted, read back`;
    case 'fault.unverified':
      return `${event.kind} at ${event.target}: REVERT NOT VERIFIED: ${event.reason}`;
    case 'fault.gone':
      return `${event.kind} at ${event.target}: its target is gone: ${event.reason}`;
    case 'next-hops': {
      const hops = event.nextHops.map((hop) => hop.node ?? hop.address).join(' ') || 'no route';
      return `${event.router}: ${event.prefix} by ${hops}${event.settled ? ' (settled)' : ''}`;
    }
    case 'bgp-session':
      return `${event.router}: session of ${event.node ?? event.peer} is ${event.state}${event.reason ? ` (${event.reason})` : ''}`;
    case 'cluster.endpoints': {
      const serving = event.endpoints.filter((each) => each.serving && !each.terminating).map((each) => each.node ?? each.pod);
      return `${event.vip}: ${String(serving.length)} endpoints serve${serving.length > 0 ? ` (${serving.join(' ')})` : ''}`;
    }
    case 'cluster.service':
      return `${event.service}: ${event.exists ? (event.policy ?? 'no load balancer') : 'gone'}`;
    case 'cluster.node': {
      const marks = [
        ...(event.ready === 'True' ? [] : [`Ready is ${event.ready}`]),
        ...(event.unschedulable ? ['cordoned'] : []),
        ...(event.excluded ? ['excluded from load balancers'] : []),
        ...(event.networkUnavailable ? ['network unavailable'] : []),
      ];
      return `${event.node}: ${event.exists ? marks.join(', ') || 'ready' : 'gone from the cluster'}`;
    }
    case 'cluster.deployment':
      return `${event.deployment}: ${String(event.updated)} of ${String(event.replicas)} pods updated, ${String(event.available)} available`;
    case 'cluster.speaker':
      return `speaker on ${event.node}: ${event.exists ? (event.terminating ? 'terminating' : event.ready ? 'ready' : 'not ready') : 'gone'}`;
    case 'cluster.metallb':
      return `${event.kind} ${event.object}: ${event.what}`;
    case 'cluster.intent':
      return `${event.vip} should be advertised by ${
        event.nodes
          .filter(({ advertises }) => advertises)
          .map(({ node }) => node)
          .join(' ') || 'nobody'
      }`;
    case 'cluster.metallb-status': {
      const refusals = event.nodes.filter(({ configuration }) => configuration === 'Invalid').map(({ node }) => node);
      const announcers = event.nodes.filter(({ announcedTo }) => (announcedTo?.length ?? 0) > 0).map(({ node }) => node);
      const refused = refusals.length > 0 ? `; its configuration is refused on ${refusals.join(' ')}` : '';
      return `MetalLB says that ${announcers.join(' ') || 'nobody'} ${announcers.length === 1 ? 'announces' : 'announce'} ${event.vip}${refused}`;
    }
    case 'observer.blind':
      return `${event.observer} cannot see: ${event.reason}`;
    case 'prober.ill':
      return `the prober at ${event.vantage} was ill for ${formatDurationMs(Math.round(event.untilT - event.fromT))}: ${event.why}`;
    case 'check.evaluated':
    case 'flow.opened':
    case 'flow.changed':
    case 'flow.broken':
    case 'flow.recovered':
    case 'flow.quiet':
    case 'flow.mapped':
    case 'flow.closed':
    case 'flow.final':
    case 'dial.failed':
    case 'tally':
      return null;
  }
}
