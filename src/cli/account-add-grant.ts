/** Asks a person to grant access to a new account, which is in no config yet. */
import type { Account } from '../accounts/account.ts'
import { loginCommand } from '../accounts/login-command.ts'
import { type Asker, choose, confirm } from './account-add-asker.ts'
import type { CommandContext } from './context.ts'
import { describeFailure } from './failure.ts'
import type { GrantedAccess } from './login-run.ts'

export interface GrantSurroundings {
  readonly asker: Asker
  readonly context: CommandContext
  readonly signal: AbortSignal
}

/**
 * What was granted; `without`: the account is wanted all the same; `nothing`: it is not, and the exit code says why. Throws
 * the signal's reason, and what only a defect throws.
 */
export async function askAccess(
  account: Account,
  token: Extract<Account['token'], { readonly type: 'oauth' }>,
  { asker, context, signal }: GrantSurroundings,
): Promise<GrantedAccess | 'without' | 'nothing'> {
  const later = loginCommand(account.name, undefined, context.invocation)
  asker.say(`${token.provider.name} has to let popkeep in; otherwise, ${later} does it later.`)
  if (!(await confirm(asker, 'Grant access now?', true))) return 'without'
  const { grantAccess } = await import('./login-run.ts')
  for (;;) {
    try {
      return await grantAccess(account, token, { browser: true }, context, signal)
    } catch (error) {
      signal.throwIfAborted()
      const { exit, sentence } = describeFailure(error)
      if (exit === 70) throw error
      context.output.problems(sentence)
      const ways = ['try again', 'add the account without', 'leave, and write nothing']
      const way = await choose(asker, 'What now?', ways)
      if (way === 1) return 'without'
      if (way === 2) {
        asker.say('Nothing was written.')
        context.end(exit)
        return 'nothing'
      }
    }
  }
}
