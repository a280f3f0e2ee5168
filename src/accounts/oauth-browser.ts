/** Opens a page in the browser of the person at this machine. */
import { spawn } from 'node:child_process'

export interface BrowserSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly platform?: NodeJS.Platform | undefined
  readonly spawn?: typeof spawn | undefined
}

/**
 * Asks the desktop to open an https URL, without a shell, and does not wait for it. Returns whether it was asked; it may
 * still fail, so the person must see the URL as well.
 */
export function openBrowser(url: string, surroundings: BrowserSurroundings): boolean {
  const { env, platform = process.platform, spawn: start = spawn } = surroundings
  // Parsed and written again: no blanks, quotes or control characters are left, and it begins with its scheme.
  const target = URL.canParse(url) ? new URL(url) : undefined
  if (target?.protocol !== 'https:') return false
  const opener = openerOf(platform, env)
  if (opener === undefined) return false
  const [program, ...args] = opener
  const child = start(program, [...args, target.href], {
    stdio: 'ignore',
    detached: true,
    shell: false,
    env: withoutSecrets(env),
  })
  // No such program: the person has the URL.
  child.once('error', () => undefined)
  child.unref()
  return true
}

function openerOf(
  platform: NodeJS.Platform,
  env: BrowserSurroundings['env'],
): readonly [string, ...string[]] | undefined {
  if (platform === 'darwin') return ['open']
  // Not `start`, which belongs to the shell and takes & for its own.
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler']
  // Without a desktop xdg-open would start a text browser in this very terminal.
  return env.DISPLAY || env.WAYLAND_DISPLAY ? ['xdg-open'] : undefined
}

function withoutSecrets(env: BrowserSurroundings['env']): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('POPKEEP_')))
}
