/** Reads what src/archive/mbox.ts writes: its exact inverse, for tests. */

export interface MboxMessage {
  readonly fromLine: string
  /** With LF line ends, as far as the file tells. */
  readonly octets: Uint8Array
}

export function readMbox(file: Uint8Array): MboxMessage[] {
  const messages: { fromLine: string; lines: string[] }[] = []
  const text = Buffer.from(file).toString('latin1')
  for (const line of text.match(/[^\n]*\n/g) ?? []) {
    if (line.startsWith('From ')) messages.push({ fromLine: line, lines: [] })
    else messages.at(-1)?.lines.push(line.replace(/^>(>*From )/, '$1'))
  }
  return messages.map(({ fromLine, lines }) => {
    if (lines.pop() !== '\n') throw new Error('no blank line ends the message')
    return { fromLine, octets: new Uint8Array(Buffer.from(lines.join(''), 'latin1')) }
  })
}
