/** How many accounts are at work at once: in all, and on one host. */

import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { popkeepHere } from '../faults/program.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'

const ACCOUNTS = ['one', 'two', 'three', 'four', 'five', 'six']

const folders: TemporaryFolder[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) folder.remove()
})

/** Greets nobody before so many are connected, and counts how many are there at most. An empty maildrop for each. */
async function crowdServer(together: number) {
  const here = new Set<Socket>()
  let isOpen = false
  let most = 0
  const server = createServer((socket) => {
    here.add(socket)
    most = Math.max(most, here.size)
    socket.on('close', () => here.delete(socket)).on('error', () => {})
    socket.on('data', (octets) => {
      for (const line of octets.toString('latin1').trimEnd().split('\r\n')) {
        const isList = /^(CAPA|LIST|UIDL)/.test(line)
        socket.write(isList ? '+OK\r\n.\r\n' : line === 'STAT' ? '+OK 0 0\r\n' : '+OK\r\n')
        if (line === 'QUIT') socket.end()
      }
    })
    if (!isOpen && here.size < together) return
    for (const one of isOpen ? [socket] : here) one.write('+OK\r\n')
    isOpen = true
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    most: () => most,
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
    },
  }
}

async function syncAll(port: number, root: string, ...options: readonly string[]) {
  const folder = temporaryFolder('jobs')
  folders.push(folder)
  mkdirSync(join(folder.path, 'home'))
  const password = join(folder.path, 'password')
  writeFileSync(password, 'pw', { mode: 0o600 })
  const accounts = ACCOUNTS.map(
    (name) =>
      `[accounts.${name}]\nhost = "127.0.0.1"\nport = ${port}\ntls = "none"\nuser = "${name}"\npassword_file = "${password}"`,
  )
  const config = join(folder.path, 'config.toml')
  const archive = `archive = "sqlite:${join(folder.path, 'mail.sqlite')}"`
  writeFileSync(config, [archive, root, ...accounts].join('\n'))
  const env = { HOME: join(folder.path, 'home') }
  return await popkeepHere(['sync', '--quiet', '--config', config, ...options], env)
}

describe('accounts of one host', () => {
  it.each([
    ['four, unless said otherwise', 4, '', []],
    ['as the option says', 6, '', ['--jobs-per-host', '6']],
    ['as the config says', 2, 'jobs_per_host = 2', []],
    ['no more than are at work in all', 3, 'jobs = 3\njobs_per_host = 5', []],
    ['one after another', 1, 'jobs_per_host = 5', ['--jobs-per-host', '1']],
  ])('work at once: %s', async (_, most, root, options) => {
    await using server = await crowdServer(most)
    const run = await syncAll(server.port, root, ...options)
    expect([run.exit, run.stderr.replaceAll(/.*clear.*\n/g, '')]).toEqual([0, ''])
    expect(server.most()).toBe(most)
  })
})
