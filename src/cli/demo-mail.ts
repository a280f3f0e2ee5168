/**
 * Five mails as they come today, for `popkeep demo` beside the six of 1997: each has something that a careless archive
 * breaks. Texts have LF line ends here and CRLF on the wire.
 */
import type { MemoryMessage } from '../server/memory-maildrop.ts'

/** Text and HTML side by side, quoted-printable; an emoji in the subject. */
const ALTERNATIVE = `\
Return-Path: <service@bicycles.example.com>
Received: from out3.bicycles.example.com (out3.bicycles.example.com [203.0.113.61])
	by mx.example.org with ESMTPS id 4V2kQx1nRzz9sWB
	for <paul@example.org>; Fri, 12 Apr 2024 15:02:41 +0000 (UTC)
Date: Fri, 12 Apr 2024 17:02:38 +0200
From: "Bicycles & Co" <service@bicycles.example.com>
To: Paul <paul@example.org>
Message-ID: <20240412150238.7741.order-5512@bicycles.example.com>
Subject: =?UTF-8?B?8J+asiBZb3VyIGJpY3ljbGUgaXMgcmVhZHk=?=
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="=_b1c7c1e5512"

--=_b1c7c1e5512
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Dear Paul,

your bicycle is ready. New chain, new brake pads, one spoke replaced:
=E2=82=AC 84.50. We are open until seven; on Saturday until two.

The old chain is in a bag on the handlebar, as you asked.

Bicycles & Co
--=_b1c7c1e5512
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<!DOCTYPE html>
<html lang=3D"en"><body style=3D"font-family: sans-serif">
<p>Dear Paul,</p>
<p>your bicycle is <b>ready</b>. New chain, new brake pads, one spoke repla=
ced: <b>&euro;&nbsp;84.50</b>. We are open until seven; on Saturday until t=
wo.</p>
<p>The old chain is in a bag on the handlebar, as you asked.</p>
<p>Bicycles &amp; Co</p>
</body></html>
--=_b1c7c1e5512--
`

/** A picture and a table as attachments, base64. */
const ATTACHMENTS = `\
Return-Path: <nadia@example.com>
Received: from mail.example.com (mail.example.com [192.0.2.25])
	by mx.example.org with ESMTPS id 4WfT0c5hMPz9t1K
	for <paul@example.org>; Mon, 26 Aug 2024 08:11:19 +0000 (UTC)
Date: Mon, 26 Aug 2024 10:11:15 +0200
From: Nadia Berg <nadia@example.com>
To: paul@example.org
Message-ID: <c2d8f0aa-6a1f-4f0e-9b55-2f64a7b1d0e3@example.com>
Subject: Logo and the figures for July
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="----next_26_08_2024"

------next_26_08_2024
Content-Type: text/plain; charset=us-ascii

Hi Paul,

here is the envelope for the corner of the page, and the figures for July
as a table. The second week is low because the office was closed.

Nadia
------next_26_08_2024
Content-Type: image/png; name="envelope.png"
Content-Disposition: attachment; filename="envelope.png"
Content-Transfer-Encoding: base64

iVBORw0KGgoAAAANSUhEUgAAABgAAAASAQMAAAB7IozdAAAABlBMVEX///8rW4TSQLnZAAAAMUlE
QVR42mP4//8/wwIGVoYJDJwMHQyCDG0MiQyNQNjQyMjQ4ATEKkAsAcQMuDHQDABuyRBF1S0xpQAA
AABJRU5ErkJggg==
------next_26_08_2024
Content-Type: text/csv; charset=us-ascii; name="july.csv"
Content-Disposition: attachment; filename="july.csv"

week,visits,orders
27,1812,96
28,407,11
29,1955,103
30,2041,118
------next_26_08_2024--
`

/** Cyrillic in subject and sender by encoded-words, the subject in two of them; the body is UTF-8, 8bit. */
const CYRILLIC = `\
Return-Path: <irina@example.com>
Received: from mail.example.com (mail.example.com [192.0.2.25])
	by mx.example.org with ESMTPS id 4Z9x7L2dVBz9sk4
	for <paul@example.org>; Thu, 06 Mar 2025 18:40:02 +0000 (UTC)
Date: Thu, 6 Mar 2025 21:39:58 +0300
From: =?UTF-8?B?0JjRgNC40L3QsCDQl9C40LzQuNC90LA=?= <irina@example.com>
To: paul@example.org
Message-ID: <9C0A5F7E-41B2-4C19-8D57-5B7A4F20D6E1@example.com>
Subject: =?UTF-8?B?0KTQvtGC0L7Qs9GA0LDRhNC40Lgg0YEg0LTQsNGH0Lgg0Lgg?=
 =?UTF-8?B?0YHQv9C40YHQvtC6INC90LAg0YHRg9Cx0LHQvtGC0YM=?=
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Привет!

Фотографии выложу вечером, их больше сотни. На субботу нужны: хлеб, два
лимона, чай и верёвка для гамака. Старую мыши съели.

Если успеешь, захвати отвёртку. Калитка опять не закрывается 🙂

Ирина
`

/** Lines that begin with dots: on the wire each has one more (RFC 1939 section 3). */
const DOT_LINES = `\
Return-Path: <ops@example.org>
Received: by build.example.org (Postfix, from userid 998)
	id 1F3A2C0; Tue, 18 Nov 2025 02:30:07 +0000 (UTC)
Date: Tue, 18 Nov 2025 02:30:07 +0000
From: Nightly job <ops@example.org>
To: paul@example.org
Message-ID: <20251118023007.1F3A2C0@build.example.org>
Subject: Files that nobody owns
MIME-Version: 1.0
Content-Type: text/plain; charset=us-ascii

The nightly job looked into /home and found these names:

.
..
.hidden
..cache
...

A line of one dot ends a message on the wire, so the server sends two and
the client takes one away. If you count five names above, both did it right.
.
`

/** RFC 3676 flowed text, 8bit, with the blank at the line ends that makes it flow. */
const FLOWED = `\
Return-Path: <tomasz@example.com>
Received: from mail.example.com (mail.example.com [192.0.2.25])
	by mx.example.org with ESMTPS id 4dK1yV0xQwz9rxh
	for <paul@example.org>; Sun, 08 Feb 2026 11:26:33 +0000 (UTC)
Date: Sun, 8 Feb 2026 12:26:30 +0100
From: Tomasz <tomasz@example.com>
To: paul@example.org
Message-ID: <aYh2dmK0c5r1@example.com>
In-Reply-To: <aYg9Q1pT7wX4@example.org>
References: <aYg9Q1pT7wX4@example.org>
Subject: Re: old letters
User-Agent: Mutt/2.2.13
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8; format=flowed
Content-Transfer-Encoding: 8bit

> Do you still have the letters from the nineties?

All of them, from the first one: café timetables, modem strings, and${' '}
the year when every server in the department was named after a tea.${' '}
They lie in one file now. I copied it to a disk for you – the label${' '}
says “post, 1996 to 2026”, and it opens without any program of mine.

--${' '}
Tomasz
`

/** Oldest first, to be delivered behind the mail of 1997. */
export function demoMail(): readonly MemoryMessage[] {
  const encoder = new TextEncoder()
  return [ALTERNATIVE, ATTACHMENTS, CYRILLIC, DOT_LINES, FLOWED].map((text, index) => ({
    octets: encoder.encode(text.replaceAll('\n', '\r\n')),
    uniqueId: `demo-${index + 1}`,
  }))
}
