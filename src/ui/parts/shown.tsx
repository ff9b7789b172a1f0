// Something that is fetched: says that it is on its way, why it is not there, or that what is shown is older.
import type { ComponentChildren } from 'preact';
import type { Listed, Resource } from '../use-resource.ts';
import { Nothing } from './marks.tsx';
import { ProblemNotice } from './problem-notice.tsx';

type ShownProps<Value> = { resource: Resource<Value>; what: string; children: (value: Value) => ComponentChildren };

export function Shown<Value>({ resource, what, children }: ShownProps<Value>) {
  const { value, problem } = resource;
  return (
    <>
      {problem && <ProblemNotice problem={problem} about={value === null ? `${what}: unknown.` : `${what}: older than now.`} />}
      {value !== null ? children(value) : problem ? null : <Nothing>{what}: asking the service …</Nothing>}
    </>
  );
}

export function More({ more }: { more: Listed<unknown>['more'] }) {
  if (more === null) return null;
  return (
    <p class="more">
      <button type="button" onClick={more}>
        Show older
      </button>
    </p>
  );
}
