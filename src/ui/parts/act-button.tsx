// A button that changes something at the service: asks again where it matters, and tells what the service said.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Problem } from '../../core/api.ts';
import type { Answer } from '../ask.ts';
import { ProblemNotice } from './problem-notice.tsx';

type ActButtonProps = {
  children: ComponentChildren;
  act: () => Promise<Answer<unknown>>;
  /** Said when it worked. */
  done: string;
  /** Must be confirmed: the question, and the word on the button that does it. */
  confirm?: { question: string; yes: string };
  /** Names the button where its text alone does not. */
  label?: string;
};

export function ActButton({ children, act, done, confirm, label }: ActButtonProps) {
  const [isAsking, setAsking] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [said, setSaid] = useState<string | Problem | null>(null);
  const keep = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (isAsking) keep.current?.focus();
  }, [isAsking]);
  const press = async () => {
    setAsking(false);
    setBusy(true);
    setSaid(null);
    const answer = await act();
    setBusy(false);
    setSaid(answer.isOk ? done : answer.problem);
  };
  return (
    <span class="act">
      {isAsking && confirm ? (
        <span class="asks" role="group" aria-label={confirm.question}>
          {confirm.question}{' '}
          <button type="button" class="danger" onClick={() => void press()}>
            {confirm.yes}
          </button>{' '}
          <button type="button" ref={keep} onClick={() => (setAsking(false), undefined)}>
            No
          </button>
        </span>
      ) : (
        <button type="button" disabled={isBusy} aria-label={label} onClick={() => (confirm ? (setAsking(true), undefined) : void press())}>
          {children}
        </button>
      )}
      <output class="said">{typeof said === 'string' ? said : ''}</output>
      {said !== null && typeof said !== 'string' && <ProblemNotice problem={said} about="Not done." />}
    </span>
  );
}
