// The rooms of the house (docs/design.md): each folder below src/ and what it may import.
const rooms = {
  pop3: [],
  sasl: [],
  net: [],
  client: ['pop3', 'sasl', 'net'],
  server: ['pop3', 'net'],
  message: [],
  sqlite: [],
  durable: ['sqlite'],
  archive: ['message', 'durable', 'sqlite'],
  sync: ['pop3', 'message'],
  accounts: ['durable', 'sync'],
}

const forbidden = Object.entries(rooms).map(([room, allowed]) => ({
  name: `room-${room}`,
  comment: `src/${room} may import only ${[room, ...allowed].join(', ')}`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: '^src/', pathNot: `^src/(${[room, ...allowed].join('|')})/` },
}))

module.exports = {
  forbidden: [
    ...forbidden,
    {
      name: 'pop3-is-pure',
      comment: 'the protocol core performs no I/O: nothing from Node, no package',
      severity: 'error',
      from: { path: '^src/pop3/' },
      to: { pathNot: '^src/pop3/' },
    },
    {
      name: 'sync-owns-no-io',
      comment: 'the engine reaches the world through its ports only',
      severity: 'error',
      from: { path: '^src/sync/' },
      to: { path: '^(node:)?(fs|net|tls|child_process|worker_threads)' },
    },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node'] },
  },
}
