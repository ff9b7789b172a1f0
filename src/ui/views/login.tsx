// Who are you: a token is exchanged for a cookie that no script can read.
import { useState } from 'preact/hooks';
import type { Problem } from '../../core/api.ts';
import { ask } from '../ask.ts';
import { ProblemNotice } from '../parts/problem-notice.tsx';

export function Login({ why, onLogin }: { why: string | null; onLogin: () => void }) {
  const [token, setToken] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const logIn = async () => {
    setBusy(true);
    const answer = await ask('/session', { method: 'POST', body: { token: token.trim() } });
    setBusy(false);
    setProblem(answer.isOk ? null : answer.problem);
    if (answer.isOk) onLogin();
  };
  return (
    <main class="login">
      <h1>Holdfast</h1>
      {why !== null && <p role="status">{why}</p>}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void logIn();
        }}
      >
        <label>
          Token
          <input
            type="password"
            name="token"
            autocomplete="current-password"
            autofocus
            required
            value={token}
            onInput={(event) => {
              setToken(event.currentTarget.value);
            }}
          />
        </label>
        <button type="submit" class="primary" disabled={isBusy || token.trim() === ''}>
          {isBusy ? 'Logging in …' : 'Log in'}
        </button>
      </form>
      {problem && <ProblemNotice problem={problem} about="Not logged in." />}
      <p class="muted">
        The service printed an admin token once, at its first start; an admin makes others. The token is exchanged for a cookie and kept
        nowhere in this browser.
      </p>
    </main>
  );
}
