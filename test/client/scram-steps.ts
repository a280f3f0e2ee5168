import { ScramServer, type ScramServerOptions } from '../sasl/scram-server.ts'
import type { ScriptedConnection, Step } from '../support/scripted-server.ts'

/** The server's side of AUTH SCRAM-..., to its +OK or -ERR. The first line is in the command, or follows it. */
export function scramLogin(
  name: string,
  options: Omit<ScramServerOptions, 'user' | 'password'> & { readonly form?: 'line' | 'steps' },
): Step {
  return async (connection) => {
    const server = new ScramServer({ user: 'me', password: 'secret', ...options })
    let said = await firstMessage(name, options.form ?? 'line', connection)
    for (;;) {
      const reply = server.answer(Buffer.from(said, 'base64'))
      if ('ok' in reply) return connection.send(reply.ok ? '+OK\r\n' : '-ERR no\r\n')
      await connection.send(`+ ${Buffer.from(reply.challenge).toString('base64')}\r\n`)
      const line = await connection.nextLine()
      if (line === '*') return connection.send('-ERR cancelled\r\n')
      // The client found out about us.
      if (line === undefined) return
      said = line
    }
  }
}

async function firstMessage(
  name: string,
  form: 'line' | 'steps',
  connection: ScriptedConnection,
): Promise<string> {
  if (form === 'line') {
    const line = await connection.expectLine(new RegExp(`^AUTH ${name} \\S+$`))
    return line.split(' ')[2] ?? ''
  }
  await connection.expectLine(`AUTH ${name}`)
  await connection.send('+ \r\n')
  return (await connection.nextLine()) ?? ''
}
