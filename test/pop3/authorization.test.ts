import { describe, expect, it } from 'vitest'
import type { Command } from '../../src/pop3/command.ts'
import { Protocol, type ProtocolEvent } from '../../src/pop3/protocol.ts'
import { chunkings, latin1 } from '../support/chunkings.ts'

const outOfStep = expect.objectContaining({ code: 'POP3_OUT_OF_STEP' })

/** A protocol that is greeted, and has sent this. */
function having(command: Command): Protocol {
  const protocol = new Protocol()
  protocol.receive(latin1('+OK\r\n'))
  protocol.next()
  protocol.send(command)
  return protocol
}

/** Feeds the chunks; returns the events as type and text. */
function hear(protocol: Protocol, chunks: readonly Uint8Array[]): string[] {
  const heard: string[] = []
  for (const chunk of chunks) {
    protocol.receive(chunk)
    for (let event = protocol.next(); event; event = protocol.next()) heard.push(shown(event))
  }
  return heard
}

function shown(event: ProtocolEvent): string {
  return event.type === 'status' ? `${event.ok} ${event.text}` : event.type
}

describe('STLS in the protocol', () => {
  it('ends this state with its +OK: nothing is sent, and a new one knows no greeting', () => {
    const protocol = having({ keyword: 'STLS' })
    expect(hear(protocol, [latin1('+OK begin\r\n')])).toEqual(['true begin'])
    expect(protocol.next()).toBeUndefined()
    expect(() => protocol.send({ keyword: 'CAPA' })).toThrow(outOfStep)

    const behind = Protocol.behindTls()
    behind.send({ keyword: 'NOOP' })
    expect(hear(behind, [latin1('+OK\r\n')])).toEqual(['true '])
  })

  it('bears no octet behind its +OK, in whatever chunks they come', () => {
    for (const injected of ['+OK injected\r\n', '-ERR\r\n', '\n', 'x']) {
      for (const { name, chunks } of chunkings(latin1(`+OK begin\r\n${injected}`))) {
        expect(() => hear(having({ keyword: 'STLS' }), chunks), name).toThrow(outOfStep)
      }
    }
  })

  it('goes on in clear text where it is refused', () => {
    const protocol = having({ keyword: 'STLS' })
    expect(hear(protocol, [latin1('-ERR no\r\n')])).toEqual(['false no'])
    expect(() => protocol.send({ keyword: 'QUIT' })).not.toThrow()
  })
})

describe('answers to challenges', () => {
  const auth: Command = { keyword: 'AUTH', mechanism: 'LOGIN' }

  it('are lines of base64, or a star', () => {
    const protocol = having(auth)
    hear(protocol, [latin1('+ \r\n')])
    expect(Buffer.from(protocol.answer('bWU=')).toString()).toBe('bWU=\r\n')
    hear(protocol, [latin1('+ \r\n')])
    expect(Buffer.from(protocol.answer('*')).toString()).toBe('*\r\n')
    expect(hear(protocol, [latin1('-ERR\r\n')])).toEqual(['false '])
  })

  it('make AUTH wait again behind a +OK that was a prompt', () => {
    for (const { name, chunks } of chunkings(latin1('+OK\r\n'))) {
      const protocol = having(auth)
      expect(hear(protocol, chunks), name).toEqual(['true '])
      protocol.answer('bWU=')
      expect(protocol.outstanding).toBe(1)
      expect(hear(protocol, [latin1('+ \r\n+OK in\r\n')])).toEqual(['continuation', 'true in'])
      expect(protocol.outstanding).toBe(0)
    }
  })

  it('are none where no AUTH is under way', () => {
    expect(() => having({ keyword: 'NOOP' }).answer('bWU=')).toThrow(outOfStep)
    const refused = having(auth)
    hear(refused, [latin1('-ERR\r\n')])
    expect(() => refused.answer('bWU=')).toThrow(outOfStep)
    const later = having(auth)
    hear(later, [latin1('+OK\r\n')])
    later.send({ keyword: 'STAT' })
    expect(() => later.answer('bWU=')).toThrow(outOfStep)
  })

  it('do not go out while octets wait that came too early', () => {
    const protocol = having(auth)
    protocol.receive(latin1('+ \r\n+OK '))
    protocol.next()
    expect(() => protocol.answer('bWU=')).toThrow(outOfStep)
  })
})
