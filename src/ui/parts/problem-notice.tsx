// A refusal or failure as the service tells it: what happened, and what to do about it.
import type { Problem } from '../../core/api.ts';

export function ProblemNotice({ problem, about }: { problem: Problem; about?: string }) {
  return (
    <div class="notice harm-notice" role="alert">
      <p>
        <strong>{about ?? problem.title}</strong> {problem.detail} <code>{problem.code}</code>
      </p>
      {problem.mistakes && problem.mistakes.length > 0 && (
        <ul>
          {problem.mistakes.map(({ path, expected, found }) => (
            <li key={path}>
              <code>{path}</code>: {expected}
              {found === undefined ? '' : `, found ${found}`}
            </li>
          ))}
        </ul>
      )}
      {problem.remedy !== undefined && <p>What to do: {problem.remedy}</p>}
    </div>
  );
}
