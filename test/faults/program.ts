/** The whole program in this process: its command line, its streams, its files; the writer's thread aside. */
import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { vi } from 'vitest'
import type { ArchiveLocation } from '../../src/archive/location.ts'
import { startWriterHere } from '../archive/temp-archive.ts'

// Node 20 runs no TypeScript in a thread: the writer shares this one, behind the same channel.
vi.doMock('../../src/archive/thread-archive.ts', async (original) => {
  const { ThreadArchive } = await original<typeof import('../../src/archive/thread-archive.ts')>()
  return {
    ThreadArchive: class extends ThreadArchive {
      constructor(location: ArchiveLocation) {
        super(location, () => startWriterHere())
      }
    },
  }
})
const { run } = await import('../../src/cli/main.ts')

export interface Run {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs one command line to its end. `now` in ms since the epoch. */
export async function popkeepHere(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  now: () => number = Date.now,
): Promise<Run> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const [out, err] = [collect(stdout), collect(stderr)]
  const exit = await run(args, {
    stdin: new PassThrough().end(),
    stdout,
    stderr,
    env,
    signals: new EventEmitter(),
    invocation: 'popkeep',
    quit: () => undefined,
    now,
  })
  return { exit, stdout: out(), stderr: err() }
}

function collect(stream: PassThrough): () => string {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString('latin1')
}
