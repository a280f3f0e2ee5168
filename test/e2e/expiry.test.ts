/** A server that may delete what was retrieved: its owner hears of it once for each account, and it is remembered. */
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { popkeep } from '../support/popkeep.ts'
import { temporaryFolder } from '../support/temp.ts'
import { quirkServer } from '../transcripts/quirk-server.ts'

const folder = temporaryFolder('expiry')
afterAll(() => folder.remove())

it('EXPIRE 0 is said once for each account; that session ends without QUIT, and so do all where that is asked for', async () => {
  await using server = await quirkServer({
    replies: { CAPA: '+OK\r\nUSER\r\nTOP\r\nUIDL\r\nEXPIRE 0\r\n.\r\n' },
  })
  const archive = `sqlite:${join(folder.path, 'mail.sqlite')}`
  const hasQuit = () => server.connections.at(-1)?.receivedText.includes('QUIT\r\n')
  const sync = async (user: string, ...more: readonly string[]) => {
    const words = ['sync', `pop://${user}@127.0.0.1:${server.port}`, '--tls', 'none'].concat(
      ...['--archive', archive, ...more],
    )
    const { code, stderr } = await popkeep(words, { env: { POPKEEP_PASSWORD: 'pw' } })
    const said = stderr.toString()
    return { code, warnings: said.match(/EXPIRE 0/g)?.length ?? 0, hasQuit: hasQuit() }
  }
  expect(await sync('work')).toEqual({ code: 0, warnings: 1, hasQuit: false })
  expect(await sync('work')).toEqual({ code: 0, warnings: 0, hasQuit: true })
  expect(await sync('work', '--no-quit')).toEqual({ code: 0, warnings: 0, hasQuit: false })
  expect(await sync('home')).toEqual({ code: 0, warnings: 1, hasQuit: false })
  expect(await sync('third', '--delete')).toEqual({ code: 0, warnings: 0, hasQuit: true })
})
