// The arrows between the rooms of src/, as the design draws them; type imports count.
const { existsSync, readFileSync } = require('node:fs');
const { dirname } = require('node:path');

/** What each room may import besides itself. `cli` wires everything and is not listed. */
const ARROWS = {
  core: [],
  io: ['core'],
  analysis: ['core'],
  report: ['analysis', 'core'],
  prober: ['core', 'io'],
  responder: ['core', 'io'],
  routers: ['core', 'io'],
  cluster: ['core', 'io'],
  observers: ['cluster', 'core', 'io'],
  lab: ['cluster', 'core', 'io'],
  keeper: ['routers', 'core', 'io'],
  runner: ['core', 'io', 'observers'],
  agent: ['runner', 'core', 'io'],
  service: ['runner', 'analysis', 'report', 'observers', 'core', 'io'],
  ui: ['report', 'analysis', 'core'],
};

/** The one home of each third-party library; zod is wherever something from outside is checked. */
const HOMES = {
  '@fastify': 'service',
  '@kubernetes': 'cluster',
  bullmq: 'agent|service',
  commander: 'cli',
  croner: 'service',
  fastify: 'service',
  'fastify-type-provider-zod': 'service',
  ioredis: 'agent|service',
  'ipaddr.js': 'core',
  kysely: 'service',
  preact: 'ui',
  'prom-client': 'service',
  standardwebhooks: 'service',
  undici: 'agent|service|cli',
  yaml: 'core',
  zod: 'agent|cli|cluster|core|io|keeper|lab|observers|prober|responder|routers|runner|service',
};

/** The one list of each seam: its members never import each other. */
const SEAMS = [
  'src/prober/protocols/index.ts',
  'src/keeper/faults/index.ts',
  'src/routers/index.ts',
  'src/observers/index.ts',
  'src/service/notifiers/index.ts',
];

const rooms = Object.entries(ARROWS).map(([room, allowed]) => ({
  name: `arrows-of-${room}`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: '^(src|test)/', pathNot: `^src/(${[room, ...allowed].join('|')})/` },
}));

const homes = Object.entries(HOMES).map(([library, home]) => ({
  name: `home-of-${library}`,
  severity: 'error',
  from: { path: '^src/', pathNot: `^src/(${home})/` },
  to: { path: `^node_modules/${library.replace('.', '\\.')}/` },
}));

const seams = SEAMS.filter((list) => existsSync(list)).map((list) => {
  const members = [...readFileSync(list, 'utf8').matchAll(/^import \{.*\} from '\.\/(.+)\.ts';$/gm)].map(([, file]) => file);
  const path = `^${dirname(list)}/(${members.join('|')})\\.ts$`;
  return { name: `seam-${dirname(list).replaceAll('/', '-')}`, severity: 'error', from: { path }, to: { path } };
});

module.exports = {
  forbidden: [
    ...rooms,
    ...homes,
    ...seams,
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'room-is-known',
      comment: 'A new room needs its arrows drawn above.',
      severity: 'error',
      from: { path: '^src/', pathNot: `^src/(cli|${Object.keys(ARROWS).join('|')})/` },
      to: {},
    },
    {
      name: 'pure-rooms-know-no-machine',
      severity: 'error',
      from: { path: '^src/(core|analysis|report)/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'library-has-a-home',
      severity: 'error',
      from: { path: '^src/' },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown'],
        pathNot: `^node_modules/(${Object.keys(HOMES).join('|')})/`,
      },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'oracle-stands-alone',
      comment: 'What judges the analysis must not share its mistakes; its tests compare the two and may know both.',
      severity: 'error',
      from: { path: '^test/truth/', pathNot: '\\.test\\.ts$' },
      to: { path: '^src/(analysis|report)/' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/planted/' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types'] },
  },
};
