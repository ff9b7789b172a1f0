// Colour for terminals: it repeats what a word or a mark already says, never more.
import type { Verdict } from '../../core/report-format.ts';

/** How the text is to look; whether colour is wanted (NO_COLOR, a pipe) is the caller's to know. */
export type TerminalStyle = { /** Columns; 80 suffice. */ width: number; colour: boolean };

export type Tone = 'bold' | 'dim' | 'good' | 'bad' | 'doubtful';
export type Paint = (tone: Tone, text: string) => string;

const CODES: Readonly<Record<Tone, string>> = { bold: '1', dim: '2', good: '32', bad: '31', doubtful: '33' };

export function painter({ colour }: TerminalStyle): Paint {
  return (tone, text) => (colour && text !== '' ? `\u001b[${CODES[tone]}m${text}\u001b[0m` : text);
}

export const VERDICT_LOOKS: Readonly<Record<Verdict, { mark: string; tone: Tone }>> = {
  held: { mark: '✔', tone: 'good' },
  inconclusive: { mark: '?', tone: 'doubtful' },
  deviated: { mark: '✘', tone: 'bad' },
  errored: { mark: '!', tone: 'bad' },
};

/** `✔ held` */
export function paintVerdict(paint: Paint, verdict: Verdict): string {
  const { mark, tone } = VERDICT_LOOKS[verdict];
  return paint(tone, `${mark} ${verdict}`);
}

// eslint-disable-next-line no-control-regex -- escape sequences are what this matches
const ESCAPE = /\u001b\[[0-9;]*m/g;

/** Columns that a painted text takes. */
export function widthOf(text: string): number {
  return Array.from(text.replace(ESCAPE, '')).length;
}
