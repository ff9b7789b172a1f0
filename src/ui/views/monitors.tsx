// The first look: is everything alive, and if not, what is not.
import type { MonitorStatus, RunResource } from '../../core/api.ts';
import type { Finding } from '../../core/finding.ts';
import { compareNames, formatCounted } from '../../report/format.ts';
import { ActButton } from '../parts/act-button.tsx';
import { FindingItem } from '../parts/finding-item.tsx';
import { Keepers } from '../parts/keepers.tsx';
import { Nothing, PathChip, StateMark } from '../parts/marks.tsx';
import { Ago } from '../parts/moment.tsx';
import { PathsTable } from '../parts/paths-table.tsx';
import { RecentFigure } from '../parts/recent-figure.tsx';
import { VantagesTable } from '../parts/vantages-table.tsx';
import { routeHash } from '../route.ts';
import { useAct, useLive, useMayOperate, useSession } from '../session.ts';
import { useResource } from '../use-resource.ts';

export function MonitorsView() {
  const { overview } = useLive();
  const lately = useResource<{ items: Finding[] }>('/findings', ['finding']);
  if (overview === null) return <Nothing>Monitors: asking the service …</Nothing>;
  const { monitors, openFindings, running } = overview;
  const known = new Map([...(lately.value?.items ?? []), ...openFindings].map((finding) => [finding.id, finding]));
  return (
    <>
      <h1>{overview.sentence}</h1>
      <OpenFindings findings={openFindings} headline={overview.sentence} />
      {running.length > 0 && <Running runs={running} />}
      {monitors.length === 0 && <Nothing>There is no monitor: nothing is watched. serve.yaml names them under `monitors`.</Nothing>}
      {monitors.map((monitor) => (
        <Monitor
          key={monitor.name}
          monitor={monitor}
          findings={[...known.values()].filter((finding) => finding.monitor === monitor.name)}
        />
      ))}
      <Keepers />
    </>
  );
}

/** What the headline says already is not said again. */
function OpenFindings({ findings, headline }: { findings: readonly Finding[]; headline: string }) {
  if (findings.length === 0) return null;
  return (
    <section class="strip" aria-labelledby="open-findings">
      <h2 id="open-findings">{formatCounted(findings.length, 'open finding')}</h2>
      <ul class="items" data-items>
        {findings.map((finding) => (
          <FindingItem key={finding.id} finding={finding} isSaid={headline.includes(finding.sentence)} />
        ))}
      </ul>
    </section>
  );
}

function Running({ runs }: { runs: readonly RunResource[] }) {
  return (
    <section class="strip" aria-labelledby="running">
      <h2 id="running">{formatCounted(runs.length, 'run')} under way</h2>
      <ul class="plain">
        {runs.map(({ id, scenario, environment, startedMs }) => (
          <li key={id}>
            <a href={routeHash({ view: 'runs', id })}>
              {scenario} on {environment}
            </a>{' '}
            <span class="muted">
              {startedMs === null ? (
                'waits'
              ) : (
                <>
                  started <Ago ms={startedMs} />
                </>
              )}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Monitor({ monitor, findings }: { monitor: MonitorStatus; findings: readonly Finding[] }) {
  const { live } = useSession();
  const { name, environment, isPaused, sentence, recent, paths, openFindings } = monitor;
  const id = `monitor-${name}`;
  const vips = [...new Set([...monitor.spec.flows.map(({ vip }) => vip), ...recent.map(({ vip }) => vip)])].sort(compareNames);
  const ingresses = new Set([...recent.flatMap(({ byPath }) => Object.keys(byPath)), ...paths.map(({ ingress }) => ingress)]);
  return (
    <section class="monitor" aria-labelledby={id}>
      <div class="monitor-head">
        <h2 id={id}>
          {name} <span class="muted">on {environment}</span>
        </h2>
        <PauseButton monitor={monitor} />
      </div>
      <p class="sentence">
        {isPaused && (
          <>
            <StateMark tone="care">paused</StateMark>{' '}
          </>
        )}
        {sentence}
        {openFindings > 0 && (
          <>
            {' '}
            <a href={routeHash({ view: 'findings', filters: { monitor: name, state: 'open' } })}>
              {formatCounted(openFindings, 'open finding')}
            </a>
          </>
        )}
      </p>
      <Legend ingresses={[...ingresses].sort(compareNames)} hasFindings={findings.length > 0} />
      {vips.map((vip) => (
        <div key={vip}>
          <h3 class="vip-name">
            {vip} <span class="muted">last five minutes, UTC</span>
          </h3>
          <RecentFigure vip={vip} recent={recent} findings={findings} untilMs={live.state().asOfMs ?? live.nowMs()} />
        </div>
      ))}
      <h3>Paths, last minute</h3>
      <PathsTable paths={paths} />
      <h3>Vantages</h3>
      <VantagesTable vantages={monitor.vantages} />
      <ControlPlane monitor={monitor} />
    </section>
  );
}

function PauseButton({ monitor: { name, isPaused } }: { monitor: MonitorStatus }) {
  const act = useAct();
  if (!useMayOperate()) return null;
  const path = `/monitors/${encodeURIComponent(name)}`;
  return isPaused ? (
    <ActButton act={() => act('POST', `${path}/resume`)} done="resumed" label={`Resume ${name}`}>
      Resume
    </ActButton>
  ) : (
    <ActButton
      act={() => act('POST', `${path}/pause`)}
      done="paused"
      label={`Pause ${name}`}
      confirm={{ question: 'Close its flows and watch nothing?', yes: 'Yes, pause' }}
    >
      Pause
    </ActButton>
  );
}

function Legend({ ingresses, hasFindings }: { ingresses: readonly string[]; hasFindings: boolean }) {
  return (
    <ul class="legend" aria-label="Colours">
      {ingresses
        .filter((ingress) => ingress !== 'unknown')
        .map((ingress) => (
          <li key={ingress}>
            <PathChip path={ingress} />
          </li>
        ))}
      <li>
        <span class="path">
          <i class="chip harm" />
          harm
        </span>
      </li>
      {hasFindings && (
        <li>
          <span class="path">
            <i class="chip finding-chip" />
            finding
          </span>
        </li>
      )}
      <li>
        <span class="path">
          <i class="chip gap-chip" />
          unknown
        </span>
      </li>
    </ul>
  );
}

/** Next-hop sets and who says so; BGP sessions. */
function ControlPlane({ monitor: { nextHops, sessions } }: { monitor: MonitorStatus }) {
  return (
    <div class="halves">
      <div>
        <h3>Next hops</h3>
        {nextHops.length === 0 && <Nothing>unknown</Nothing>}
        <ul class="plain">
          {nextHops.map(({ vip, nodes, from, sinceMs }) => (
            <li key={`${vip} ${from}`}>
              {vip}:{' '}
              {nodes === null
                ? 'unknown'
                : nodes.length === 0
                  ? 'no route'
                  : nodes.map((node) => (
                      <span key={node}>
                        <PathChip path={node} />{' '}
                      </span>
                    ))}
              <span class="under">
                {from === 'observer' ? 'seen by the observer' : 'inferred from fresh flows'}, since <Ago ms={sinceMs} />
              </span>
            </li>
          ))}
        </ul>
      </div>
      <div>
        <h3>BGP sessions</h3>
        {sessions.length === 0 && <Nothing>unknown: no observer tells of them</Nothing>}
        <ul class="plain">
          {sessions.map(({ router, peer, node, state }) => (
            <li key={`${router} ${peer}`}>
              <StateMark tone={/^established$/i.test(state) ? 'good' : state === 'unknown' ? 'unknown' : 'harm'}>{state}</StateMark>{' '}
              {router} – {node === null ? peer : <PathChip path={node} />} {node !== null && <span class="muted">{peer}</span>}
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
