import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** What popkeep keeps for itself: below $XDG_STATE_HOME, or below `~/.local/state` if that is unset or not absolute. */
export function stateFolder(env: Readonly<Record<string, string | undefined>>): string {
  const { HOME: home = homedir(), XDG_STATE_HOME: state } = env
  const isUsable = state !== undefined && isAbsolute(state)
  return join(isUsable ? state : join(home, '.local/state'), 'popkeep')
}
