import { expect, it } from 'vitest'
import { MECHANISMS } from '../../src/accounts/account.ts'
import { SUPPORTED_MECHANISMS } from '../../src/client/mechanisms.ts'

it('lets the config name each mechanism that a login has, and no other', () => {
  expect([...MECHANISMS].sort()).toEqual([...SUPPORTED_MECHANISMS].sort())
})
