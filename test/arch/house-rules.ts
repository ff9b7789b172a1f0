// House rules that no tool on offer knows: each gives its complaints, so that a test can plant a violation.

const MAX_LINES = 400;
const TOP_LEVEL = new Set([
  ...['src', 'test', 'probes', 'scenarios', 'deploy'],
  ...['README.md', 'LICENSE', 'package.json', 'package-lock.json', 'tsconfig.json'],
]);

/** What is wrong with a source file's outward form. */
export function complaintsAbout(path: string, text: string): string[] {
  const complaints: string[] = [];
  const lines = text.split('\n').length - 1;
  if (lines > MAX_LINES) complaints.push(`${path}: ${String(lines)} lines, at most ${String(MAX_LINES)}: split it by noun`);
  if (path.startsWith('src/') && !/^(#!.*\n)?\/\/ \S/.test(text)) complaints.push(`${path}: the first line must say what the file is for`);
  const file = path.slice(path.lastIndexOf('/') + 1);
  if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.test)?\.ts$/.test(file)) complaints.push(`${path}: file names are kebab-case`);
  if (/^(utils?|helpers?|common|misc)(\.test)?\.ts$/.test(file)) complaints.push(`${path}: a name that says nothing`);
  return complaints;
}

/** Tracked paths whose top-level entry nobody agreed on; dotfiles are free. */
export function strangers(paths: readonly string[]): string[] {
  const entries = new Set(paths.map((path) => path.split('/', 1)[0] ?? path));
  return [...entries].filter((entry) => !entry.startsWith('.') && !TOP_LEVEL.has(entry));
}

/** Where a lock file would send everybody to, wherever their own registry is. */
export function hostsIn(lockFile: string): string[] {
  return [...new Set([...lockFile.matchAll(/"resolved": "(\S+?:\/\/[^/"]+)/g)].map(([, host]) => host ?? ''))];
}
