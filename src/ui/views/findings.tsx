// All findings, open ones first, beside the one that is looked at.
import { useState } from 'preact/hooks';
import type { Finding } from '../../core/finding.ts';
import { compareNames, formatCounted } from '../../report/format.ts';
import { FindingDetail } from '../parts/finding-detail.tsx';
import { FindingItem, KIND_WORDS } from '../parts/finding-item.tsx';
import { Nothing } from '../parts/marks.tsx';
import { Select } from '../parts/select.tsx';
import { More, Shown } from '../parts/shown.tsx';
import { routeHash, type Route } from '../route.ts';
import { useLive } from '../session.ts';
import { useList, useResource } from '../use-resource.ts';

export function FindingsView({ route }: { route: Route }) {
  const { overview } = useLive();
  const [search, setSearch] = useState('');
  const { monitor = '', kind = '', state = '' } = route.filters;
  const query = new URLSearchParams(Object.entries({ monitor, kind, state }).filter(([, value]) => value !== '')).toString();
  const listed = useList<Finding>(query === '' ? '/findings' : `/findings?${query}`, ['finding']);
  // Open ones may be older than the first page.
  const open = (overview?.openFindings ?? []).filter((finding) => fits(finding, { monitor, kind, state }));
  const all = new Map([...open, ...(listed.value ?? [])].map((finding) => [finding.id, finding]));
  const found = [...all.values()].filter((finding) => says(finding, search)).sort(openFirst);
  const narrow = (filter: Record<string, string>) => {
    location.hash = routeHash({ view: 'findings', filters: { ...route.filters, ...filter } });
  };
  const monitors = [...new Set([...(overview?.monitors ?? []).map(({ name }) => name), monitor])].filter((name) => name !== '');
  return (
    <>
      <h1 class="view-title">Findings</h1>
      <div class={route.id === null ? 'two' : 'two has-one'}>
        <div class="list">
          <div class="filters" role="search">
            <label class="search">
              search
              <input
                type="search"
                value={search}
                data-search
                aria-keyshortcuts="/"
                placeholder="node, vantage, words …"
                autocomplete="off"
                onInput={(event) => {
                  setSearch(event.currentTarget.value);
                }}
              />
            </label>
            <Select
              label="state"
              value={state}
              options={['open', 'resolved']}
              onChange={(value) => (narrow({ state: value }), undefined)}
            />
            <Select
              label="monitor"
              value={monitor}
              options={monitors.sort(compareNames)}
              onChange={(value) => (narrow({ monitor: value }), undefined)}
            />
            <Select
              label="kind"
              value={kind}
              options={Object.keys(KIND_WORDS)}
              words={KIND_WORDS}
              onChange={(value) => (narrow({ kind: value }), undefined)}
            />
          </div>
          <Shown resource={listed} what="Findings">
            {() => (
              <>
                <p class="muted" aria-live="polite">
                  {formatCounted(found.length, 'finding')}
                  {listed.more === null ? '' : ', and older ones not fetched yet'}
                </p>
                {found.length === 0 && <Nothing>{all.size === 0 ? 'There is no such finding.' : 'No finding says that.'}</Nothing>}
                <ul class="items" data-items>
                  {found.map((finding) => (
                    <FindingItem key={finding.id} finding={finding} isCurrent={finding.id === route.id} />
                  ))}
                </ul>
                <More more={listed.more} />
              </>
            )}
          </Shown>
        </div>
        <div class="one">
          {route.id === null ? <p class="nothing">Choose a finding to see its evidence.</p> : <OneFinding key={route.id} id={route.id} />}
        </div>
      </div>
    </>
  );
}

function OneFinding({ id }: { id: string }) {
  const finding = useResource<Finding>(`/findings/${encodeURIComponent(id)}`, ['finding']);
  return (
    <>
      <p class="back">
        <a href={routeHash({ view: 'findings' })} data-back aria-keyshortcuts="Escape">
          ← all findings
        </a>
      </p>
      <Shown resource={finding} what="This finding">
        {(value) => <FindingDetail finding={value} />}
      </Shown>
    </>
  );
}

type Filters = { monitor: string; kind: string; state: string };

function fits(finding: Finding, { monitor, kind, state }: Filters): boolean {
  return [
    monitor === '' || finding.monitor === monitor,
    kind === '' || finding.kind === kind,
    state === '' || finding.state === state,
  ].every(Boolean);
}

/** Every word of the search stands somewhere in it. */
function says({ id, sentence, details, subject, vip, kind, vantages, environment }: Finding, search: string): boolean {
  const text = [id, sentence, ...details, subject, vip ?? '', kind, ...vantages, environment].join('\n').toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

function openFirst(a: Finding, b: Finding): number {
  return Number(a.state !== 'open') - Number(b.state !== 'open') || b.openedMs - a.openedMs;
}
