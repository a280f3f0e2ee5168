/** Commands that messages tell a person to type. */

/** What the owner of an account types to log in. `invocation`: how the program is called. */
export function loginCommand(account: string, options?: string, invocation = 'popkeep'): string {
  const parts = [invocation, 'login', options, shellWord(account)]
  return parts.filter((part) => part !== undefined).join(' ')
}

/** A name as an argument: in quotes if the shell would split or expand it. */
export function shellWord(name: string): string {
  return /^[\w.@%+:,/-]+$/.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`
}
