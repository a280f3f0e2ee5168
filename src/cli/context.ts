import type { SignalSource } from './interruption.ts'
import type { Output, Stream } from './output.ts'

/** What a command has of the process it runs in. Tests pass their own. */
export interface CommandContext {
  readonly output: Output
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signals: SignalSource
  /** How the person called the program, for commands to copy: `popkeep`, or `node bin/popkeep.js`. */
  readonly invocation: string
  /** Ends the process at once, or once no shielded work runs; used for the second signal only. */
  readonly quit: (exit: number) => void
  /** Does work that also a second signal lets end. */
  readonly shielded?: (<T>(work: () => Promise<T>) => Promise<T>) | undefined
  /** Ms since the epoch. */
  readonly now: () => number
  /** Sets the exit code of a command that did not throw. */
  readonly end: (exit: number) => void
}

/** The process as `run` takes it. */
export interface Io extends Omit<CommandContext, 'output' | 'shielded' | 'end'> {
  readonly stdout: Stream
  readonly stderr: Stream
}
