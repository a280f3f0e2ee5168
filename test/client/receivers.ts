import type { BodySink } from '../../src/client/pipeline.ts'
import type { Receiver } from '../../src/client/session.ts'
import type { CommandError } from '../../src/pop3/errors.ts'
import type { ListedMessage } from '../../src/pop3/listing.ts'

/** Rows 1 to `messages`, 100 octets each as listed. */
export function listed(messages: number): ListedMessage[] {
  return Array.from({ length: messages }, (_, index) => ({
    messageNumber: index + 1,
    octets: 100,
    uniqueId: `u${index + 1}`,
  }))
}

/** Keeps what it is given, as text by message number. */
export class CollectingReceiver implements Receiver {
  readonly complete = new Map<number, string>()
  readonly abandoned: number[] = []
  readonly refusals: (readonly [number, string])[] = []
  inSteps = 0

  begin({ messageNumber }: ListedMessage): BodySink {
    let text = ''
    return {
      write: (octets) => {
        text += Buffer.from(octets).toString('latin1')
        return undefined
      },
      end: () => {
        this.complete.set(messageNumber, text)
        return undefined
      },
      abandon: () => {
        this.abandoned.push(messageNumber)
      },
    }
  }

  inStep(): void {
    this.inSteps += 1
  }

  refused({ messageNumber }: ListedMessage, error: CommandError): void {
    this.refusals.push([messageNumber, error.serverText])
  }
}
