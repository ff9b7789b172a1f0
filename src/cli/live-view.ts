// What a person sees while a run lasts: a frame that redraws itself in a terminal, one line an event in a pipe.
import type { Writable } from 'node:stream';
import { stripVTControlCharacters, styleText } from 'node:util';
import type { Pulse } from '../core/control.ts';
import { type JournalEvent, vantageOf } from '../core/journal.ts';
import { describeEvent } from './describe-event.ts';

/** Watches a run; `close` leaves the terminal clean. */
export type RunWatcher = {
  onEvent(event: JournalEvent): void;
  onPulse(vantage: string, pulse: Pulse): void;
  close(): void;
};

const FRAME_MS = 200;
const RECENT = 8;

/** One timestamped line an event, flow breaks summed up by second. For pipes and CI. */
export function lineWatcher(out: Writable): RunWatcher {
  let broken = 0;
  return {
    onEvent: (event) => {
      if (event.type === 'flow.broken') broken += 1;
      const text = describeEvent(event);
      if (text !== null) out.write(`${seconds(event.t)}  ${text}\n`);
    },
    onPulse: (_vantage, pulse) => {
      if (broken > 0) out.write(`${seconds(pulse.t)}  ${String(broken)} flows broke\n`);
      broken = 0;
    },
    close: () => undefined,
  };
}

/** Every journal event as NDJSON. For programs. */
export function jsonWatcher(out: Writable): RunWatcher {
  return {
    onEvent: (event) => {
      out.write(`${JSON.stringify(event)}\n`);
    },
    onPulse: () => undefined,
    close: () => undefined,
  };
}

export type Terminal = Writable & { columns?: number; rows?: number };

/** A frame of at most the terminal's height, redrawn in place five times a second. */
export function frameWatcher(out: Terminal, title: string, hasColour: boolean): RunWatcher {
  const state: FrameState = {
    title,
    phase: 'opening flows',
    t: 0,
    fault: null,
    hops: new Map(),
    pulses: new Map(),
    broken: new Map(),
    recent: [],
  };
  let drawnLines = 0;
  const draw = () => {
    const width = Math.max(40, out.columns ?? 80);
    const lines = frameLines(state, hasColour)
      .slice(0, Math.max(4, (out.rows ?? 24) - 1))
      .map((line) => clip(line, width));
    const up = drawnLines > 0 ? `\x1b[${String(drawnLines)}A` : '';
    // One write a frame, each line cleared behind its text: nothing flickers, and a shorter frame leaves nothing behind.
    out.write(`${up}${lines.map((line) => `\r${line}\x1b[K\n`).join('')}\x1b[J`);
    drawnLines = lines.length;
  };
  const timer = setInterval(draw, FRAME_MS);
  return {
    onEvent: (event) => {
      takeEvent(state, event);
    },
    onPulse: (vantage, pulse) => {
      state.pulses.set(vantage, pulse);
      state.t = Math.max(state.t, pulse.t);
    },
    close: () => {
      clearInterval(timer);
      draw();
    },
  };
}

type FrameState = {
  title: string;
  phase: string;
  t: number;
  fault: string | null;
  hops: Map<string, string>;
  pulses: Map<string, Pulse>;
  broken: Map<string, number>;
  recent: string[];
};

function takeEvent(state: FrameState, event: JournalEvent): void {
  state.t = Math.max(state.t, event.t);
  if (event.type === 'phase.started') state.phase = event.phase;
  if (event.type === 'timeline.ended') state.phase = 'final map';
  if (event.type === 'fault.intent' || event.type === 'fault.in-force') state.fault = `${event.kind} at ${event.target}`;
  if (event.type === 'fault.verified' || event.type === 'fault.gone') state.fault = null;
  if (event.type === 'next-hops')
    state.hops.set(event.prefix, event.nextHops.map((hop) => hop.node ?? hop.address).join(' ') || 'no route');
  if (event.type === 'flow.broken') {
    const vantage = vantageOf(event) ?? '?';
    state.broken.set(vantage, (state.broken.get(vantage) ?? 0) + 1);
  }
  const text = describeEvent(event);
  if (text !== null) state.recent = [...state.recent.slice(1 - RECENT), `${seconds(event.t)}  ${text}`];
}

function frameLines(state: FrameState, hasColour: boolean): string[] {
  const paint = (format: Parameters<typeof styleText>[0], text: string) =>
    hasColour ? styleText(format, text, { validateStream: false }) : text;
  const lines = [
    paint('bold', state.title),
    `${seconds(state.t)}  ${state.phase}${state.fault ? `  ${paint(['bold', 'yellow'], `FAULT IN FORCE: ${state.fault}`)}` : ''}`,
    '',
  ];
  for (const [prefix, hops] of state.hops) lines.push(`  next hops ${prefix.padEnd(22)} ${hops}`);
  for (const [vantage, pulse] of state.pulses) {
    const { tally } = pulse;
    const troubles = (['late', 'lost', 'notSent', 'invalid'] as const)
      .filter((key) => tally[key] > 0)
      .map((key) => `${String(tally[key])} ${key}`);
    const brokenSoFar = state.broken.get(vantage) ?? 0;
    lines.push(
      `  ${paint('bold', vantage.padEnd(6))} ${String(pulse.open).padStart(6)} flows open, ${String(brokenSoFar)} broke so far; ${String(tally.ok)} ok/s ${troubles.join(' ')}${
        pulse.ill ? paint('red', '  PROBER ILL') : ''
      }`,
    );
    for (const [name, counts] of pathsOf(pulse)) lines.push(`         ${name.padEnd(18)} ${counts}`);
  }
  return [...lines, '', ...state.recent.map((line) => `  ${line}`)];
}

function pathsOf(pulse: Pulse): Map<string, string> {
  const rows = new Map<string, string>();
  for (const { vip, protocol, ingress, flows } of pulse.paths) {
    const name = `${protocol} ${vip}`;
    rows.set(name, `${rows.get(name) ?? ''}${ingress} ${String(flows).padEnd(6)} `);
  }
  return rows;
}

function clip(line: string, width: number): string {
  const plain = stripVTControlCharacters(line);
  // Colour is given up where a line is too long: a cut escape sequence would colour everything after it.
  return plain.length < width ? line : `${plain.slice(0, width - 2)}…`;
}

function seconds(t: number): string {
  return `${(t / 1000).toFixed(1).padStart(6)} s`;
}
