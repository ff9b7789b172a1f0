// At most one false page for 100 VIPs in 90 days at 0.1 % background loss. Prints its counts; fails above the goal.
//
//   node test/safety/false-pages.ts [VIPS] [DAYS]
//
// Held flows are replayed for all that time; the rules that look at fresh dials alone are looked at second by second for 200 hours of
// VIPs with one flow a vantage and protocol, where most paths have no flow that could speak for them.
import { falsePages } from '../support/background-loss.ts';

const [vips = '100', days = '90'] = process.argv.slice(2);
const LOSS = 1e-3;
const MANY_FLOWS = 1_024;
const SAMPLE = { vips: 20, days: 10 / 24, flows: 1, playsAll: true };

if (!(Number(vips) > 0 && Number(days) > 0)) throw new Error('node test/safety/false-pages.ts [VIPS] [DAYS]');
const network = { vips: Number(vips), days: Number(days), lossShare: LOSS, seed: 1 };
const rows = [
  { name: `${vips} VIPs, ${days} days, 64 flows a vantage and protocol`, ...falsePages(network) },
  { name: `${vips} VIPs, ${days} days, 1,024 flows a vantage and protocol`, ...falsePages({ ...network, flows: MANY_FLOWS, seed: 2 }) },
  { name: '20 VIPs, 10 hours, every second, 1 flow a vantage and protocol', ...falsePages({ ...network, ...SAMPLE, seed: 3 }) },
];
for (const { name, breaks, findings, pages } of rows) {
  process.stdout.write(`${name}: ${String(breaks)} breaks by loss, ${String(findings)} findings, ${String(pages)} pages\n`);
}
const allowed = (network.vips * network.days) / (100 * 90);
if (rows.some(({ pages }) => pages > allowed)) {
  process.stdout.write(`more pages than the goal allows (${String(allowed)})\n`);
  process.exitCode = 1;
}
