import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openBrowser } from '../../src/accounts/oauth-browser.ts'
import { temporaryFolder } from '../support/temp.ts'

type Spawn = typeof spawn

/** What would be started. */
function started(url: string, platform: NodeJS.Platform, env: Record<string, string> = {}) {
  const calls: unknown[][] = []
  const child = { once: () => child, unref: () => undefined }
  const record = ((...call: unknown[]) => {
    calls.push(call)
    return child
  }) as unknown as Spawn
  const isAsked = openBrowser(url, { env, platform, spawn: record })
  expect(isAsked).toBe(calls.length === 1)
  return calls[0]
}

const URL_WITH_ALL = 'https://id.example.com/?a=1&b=$(id);`id`|x&calc.exe"\'%20 c'
const WRITTEN = 'https://id.example.com/?a=1&b=$(id);`id`|x&calc.exe%22%27%20%20c'

describe('the browser', () => {
  const folder = temporaryFolder('browser')
  afterAll(() => folder.remove())

  it.each([
    ['linux', 'xdg-open', [WRITTEN]],
    ['darwin', 'open', [WRITTEN]],
    ['win32', 'rundll32', ['url.dll,FileProtocolHandler', WRITTEN]],
  ] as const)('is asked on %s by %s, without a shell', (platform, program, args) => {
    const env = { DISPLAY: ':0', POPKEEP_PASSWORD: 'canary', HOME: '/home/me' }
    expect(started(URL_WITH_ALL, platform, env)).toEqual([
      program,
      args,
      { stdio: 'ignore', detached: true, shell: false, env: { DISPLAY: ':0', HOME: '/home/me' } },
    ])
  })

  it.each([
    'http://id.example.com/',
    'file:///etc/passwd',
    '-version',
    '--help',
    'javascript:a',
    '',
  ])('is not asked to open %j', (url) => expect(started(url, 'darwin')).toBeUndefined())

  it('is not asked where there is no desktop', () => {
    expect(started('https://example.com/', 'linux')).toBeUndefined()
    expect(started('https://example.com/', 'linux', { WAYLAND_DISPLAY: 'wayland-0' })).toBeDefined()
  })

  it('gets the URL as one word', async () => {
    const written = join(folder.path, 'written')
    const script = `#!/bin/sh\nprintf '%s\\n' "$#" "$@" >${written}.new && mv ${written}.new ${written}\n`
    writeFileSync(join(folder.path, 'xdg-open'), script)
    chmodSync(join(folder.path, 'xdg-open'), 0o700)
    const env = { DISPLAY: ':0', PATH: `${folder.path}:${process.env.PATH}` }
    const ends: Promise<unknown>[] = []
    const watched = ((...call: Parameters<Spawn>) => {
      const child = spawn(...call)
      ends.push(once(child, 'exit'))
      return child
    }) as Spawn
    openBrowser(URL_WITH_ALL, { env, platform: 'linux', spawn: watched })
    await Promise.all(ends)
    expect(existsSync(written) && readFileSync(written, 'utf8')).toBe(`1\n${WRITTEN}\n`)
  })

  it('may be missing', async () => {
    const env = { DISPLAY: ':0', PATH: `${folder.path}/none` }
    const errors: Promise<unknown>[] = []
    const watched = ((...call: Parameters<Spawn>) => {
      const child = spawn(...call)
      errors.push(once(child, 'close'))
      return child
    }) as Spawn
    expect(openBrowser('https://example.com/', { env, platform: 'linux', spawn: watched })).toBe(
      true,
    )
    expect(await Promise.allSettled(errors)).toHaveLength(1)
  })
})
