/** One message on its way into a Maildir's tmp/. */
import type { NewFile } from '../durable/files.ts'
import type { Syncs } from '../durable/syncs.ts'
import type { Draft } from './content.ts'
import { PIECE_OCTETS } from './limits.ts'
import { readPlainFile } from './maildir-files.ts'
import { LineFeedEncoder, withCarriageReturns } from './maildir-form.ts'
import type { Room } from './slabs.ts'

/**
 * Starts in LF form. At the first bare LF it falls back to the wire form, and what was written by then is written anew:
 * at most once a message.
 */
export class MaildirDraft implements Draft {
  readonly #createFile: () => NewFile
  readonly #syncs: Syncs | undefined
  /** Undefined once the message has turned out to have no LF form. */
  #encoder: LineFeedEncoder | undefined = new LineFeedEncoder()
  /** What is not in the file yet, up to a piece. */
  readonly #buffer: Room
  #file: NewFile | undefined
  #digest: Uint8Array | undefined

  /** `createFile` makes a new file in tmp/ each time. With `syncs`, sealing goes on while the caller does. */
  constructor(createFile: () => NewFile, buffer: Room, syncs?: Syncs) {
    this.#createFile = createFile
    this.#buffer = buffer
    this.#syncs = syncs
  }

  /** Digest and temporary file of a draft that is sealed and ready. Throws why the octets are not durable, if they are not. */
  get sealed(): { readonly digest: Uint8Array; readonly path: string } {
    if (this.#digest === undefined || this.#file === undefined) {
      throw new Error('the draft is not sealed')
    }
    this.#file.requireSealed()
    return { digest: this.#digest, path: this.#file.path }
  }

  get isReady(): boolean {
    return this.#file?.isSettled ?? true
  }

  write(octets: Uint8Array): void {
    const form = this.#encoder?.write(octets)
    if (form !== undefined) {
      this.#put(form)
      return
    }
    if (this.#encoder !== undefined) this.#fallBack(this.#encoder)
    this.#put(octets)
  }

  seal(digest: Uint8Array): void {
    if (this.#encoder !== undefined) this.#put(this.#encoder.end())
    const file = this.#flush()
    this.#digest = digest.slice()
    if (this.#syncs) file.sealBy(this.#syncs)
    else file.seal()
  }

  discard(): void {
    this.#buffer.clear()
    this.#digest = undefined
    this.#file?.discard()
    this.#file = undefined
  }

  /** Copies the octets, or writes them at once. */
  #put(octets: Uint8Array): void {
    if (this.#buffer.filled + octets.length > PIECE_OCTETS) this.#flush().write(octets)
    else this.#buffer.write(octets)
  }

  #flush(): NewFile {
    this.#file ??= this.#createFile()
    if (this.#buffer.filled > 0) this.#file.write(this.#buffer.octets())
    this.#buffer.clear()
    return this.#file
  }

  #fallBack(encoder: LineFeedEncoder): void {
    this.#encoder = undefined
    const former = this.#file
    const buffered = this.#buffer.octets().slice()
    this.#file = undefined
    this.#buffer.clear()
    if (former !== undefined) {
      try {
        for (const part of readPlainFile(former.path)) this.#put(withCarriageReturns(part))
      } finally {
        former.discard()
      }
    }
    this.#put(withCarriageReturns(buffered))
    this.#put(encoder.end())
  }
}
