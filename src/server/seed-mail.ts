/**
 * The six mails of the maildrop that `popkeep demo` serves, as text with LF line ends.
 *
 * Message 4 is from a real session with Qpopper 2.2, printed in a Russian textbook of 1997. The book shows its text and
 * its listed size, 1100 octets. The other five sizes are from the same listing; their texts are fiction.
 */

/**
 * Message 4 in exactly 1100 octets. As printed, with every line end counted as two, it has 1105. The page broke the
 * first Received field three times, each time at a blank, once even before a line that could not be a continuation
 * ("Jul 1997"): that field was one line on the screen. Joined it leaves 1098 octets. The fold that sendmail 8.7 itself
 * puts before "for" (CRLF and a tab instead of a blank) gives 1100. All else is as printed: the folds of the second and
 * fourth Received field, the blank behind "relcom.ru", the cut Organization, two blanks in the subject. The body is
 * complete: with the blank line before it, it has the nine lines that its Lines field says.
 */
const MESSAGE_4 = `\
Received: from mail1.relcom.ru (mail1.relcom.ru [193.125.152.4]) by quest.net.kiae.su \
(8.7.5/8.7.3) with ESMTP id CAA09628
	for <paul@quest.net.kiae.su>; Wed, 2 Jul 1997 02:51:43 +0400 (MSD)
Received: from thevni (uucp@localhost) by mail1.relcom.ru${' '}
	(8.7.5.R.ML.S/Relcom-2A) with UUCP
	 id BAA03544 for paul;Wed, 2 Jul 1997 01:34:45 +0400 (MSD)
Received: by Relay1.relcom.ru (UUMAIL/2.0); Wed,  2 Jul 97 01:34:44 +0300
Received: by theor.vniinm.msk.su (UUPC/@ v5.06gamma, 07Feb93);
          Wed,  2 Jul 1997 01:24:57 +0400
To: paul@kiae.su
References: <33B92C6B.9FA2C1A4@kiae.su>
Message-Id: <AAeMNkpiq1@theor.vniinm.msk.su>
Organization: A.A. Bochvar Institute for Inorganic Materials, Theoret
From: "Alexander Z. Solontsov" <sol@theor.vniinm.msk.su>
Date: Wed,  2 Jul 97 01:24:56 +0400
X-Mailer: BML [MS/DOS Beauty Mail v.1.36]
Subject:  life
Lines: 9
X-UIDL: 2313051b98ef908dceefe8b801d9e60d
Status: RO

To: N.M.Sergeeva

Dear H.M.,

I am still alive, publishing a lot, and this year applied to RAN.
Would be pleased to hear from you in a more derect way.
Alexander

`

const MESSAGE_1 = `\
Received: (from root@localhost) by quest.net.kiae.su (8.7.5/8.7.3) id KAA04471
	for paul; Mon, 30 Jun 1997 10:12:09 +0400 (MSD)
Date: Mon, 30 Jun 1997 10:12:09 +0400 (MSD)
From: Postmaster <postmaster@quest.net.kiae.su>
Message-Id: <199706300612.KAA04471@quest.net.kiae.su>
To: paul@kiae.su
Subject: Your maildrop on quest
Mime-Version: 1.0
Content-Type: text/plain; charset=us-ascii
X-UIDL: 7c1e90a45b32d86f01e4c9a83d5576b2
Status: RO

Dear colleague,

from today your mail is kept on quest.net.kiae.su. You may read it with
Pine on the machine itself, or fetch it to your desktop by POP3 on port
110. Eudora, Pegasus Mail and Netscape Navigator are known to work. If
you have no mail program at hand, telnet to port 110 will do: the
commands are few and can be typed by hand.

A few words of advice:

- The password goes over the wire as you type it. Choose one that you
  use nowhere else, and do not leave it in a file that others can read.
- Only one program may hold the maildrop at a time. If the server says
  that it is busy, close the other one or wait ten minutes.
- Nothing is removed until you say QUIT. If the modem drops the line in
  the middle, your letters are still here.
- The spool disk is 500 megabytes for all of us. Please take large
  files away within a week.

A printed guide lies beside the terminal in room 209.
Questions go to this address, or to room 214 before lunch.

Postmaster
`

const MESSAGE_2 = `\
Received: from noc.example.net (noc.example.net [192.0.2.17])
	by quest.net.kiae.su (8.7.5/8.7.3) with SMTP id QAA07733
	for <paul@quest.net.kiae.su>; Mon, 30 Jun 1997 16:40:51 +0400 (MSD)
Received: by noc.example.net (8.6.12/8.6.9) id OAA21980;
	Mon, 30 Jun 1997 14:39:02 +0200
Date: Mon, 30 Jun 1997 14:39:02 +0200
From: noc@example.net (Network Operations)
Message-Id: <199706301239.OAA21980@noc.example.net>
To: paul@kiae.su
Cc: lines@example.net
Subject: Leased line MOW-03: loss on Friday night, what we found
X-UIDL: 1fa8d0347ce29b65802df3c6184ea97b
Status: RO

Paul,

thank you for the traces. Here is what we know about Friday.

At 23:10 your time the 256 kbit/s line began to lose packets, first
one in a hundred, by midnight one in five. The modems on both ends
kept carrier, so nothing raised an alarm. The routers saw it as CRC
errors on the serial interface and nothing else:

  Serial0 is up, line protocol is up
    5 minute input rate 201000 bits/sec, 61 packets/sec
    1184220 packets input, 118406 input errors, 118399 CRC, 7 frame

What made it hard to see: short packets came through. Ping with 56
octets looked almost healthy, and so did telnet. Everything that moved
real data stood still. Your mail relay had 340 messages in the queue
at two in the morning, the oldest of them a 4 megabyte drawing that
was begun eleven times and never finished.

If you try this again, use ping with 1400 octets and a pattern of all
zeros. Some line cards lose their clock on long runs of zeros, and
that is just what a drawing is made of.

The carrier replaced a repeater on Saturday at 09:30. Since then:

  packets of   56 octets:  0 lost of 10000
  packets of 1400 octets:  0 lost of 10000
  pattern of zeros:        1 lost of 10000

Two things we would ask of you:

1. Set the retry interval of sendmail to 30 minutes and the message
   size limit on the relay to 2 megabytes until the end of July. A
   transfer that begins from zero each time only feeds the fire.
2. Send the drawings by FTP. Our archive takes uploads at night, and
   FTP can go on where it was cut, if your client knows REST.

The second line (512 kbit/s) is promised for the autumn. We have heard
this before, but this time there is a date on the paper: 15 September.
Until then I would not move the news feed to your side.

The carrier will watch it with us, and pays for the lost hours.

We watch the counters every hour now. If you see anything odd, write
to this address and put MOW-03 into the subject. Somebody here is
always awake.

Regards from the night shift,

Network Operations
`

const MESSAGE_3 = `\
Received: from kurs.net.kiae.su (kurs.net.kiae.su [192.0.2.40])
	by quest.net.kiae.su (8.7.5/8.7.3) with ESMTP id MAA08102
	for <paul@quest.net.kiae.su>; Tue, 1 Jul 1997 12:03:28 +0400 (MSD)
Date: Tue, 1 Jul 1997 12:01:54 +0400
From: "Vera Lugovaya" <vera@kurs.net.kiae.su>
Message-Id: <33B8D1B2.5C4F@kurs.net.kiae.su>
Organization: Network courses
To: paul@kiae.su
Subject: Glava o pochte
Mime-Version: 1.0
Content-Type: text/plain; charset=koi8-r
Content-Transfer-Encoding: 8bit
X-Mailer: Mozilla 3.01Gold (Win95; I)
X-UIDL: c05d2f7e918b43a6b7340ce1d9852f6e
Status: RO

Здравствуйте, Павел!

Прочитала главу о почтовых протоколах. Написано понятно, студентам
понравится. Несколько замечаний, пока текст не ушёл в типографию.

1. Про порты. В начале сказано, что почта живёт на порту 25, а дальше
   без объяснений появляется 110. Читатель запутается. Предлагаю сразу
   сказать: по SMTP письмо отправляют, по POP3 забирают, и это два
   разных сервера, даже если они стоят на одной машине.

2. Про удаление. Хорошо бы показать на примере, что команда DELE
   ничего не удаляет сама. Она только помечает письмо, а сервер
   убирает его после QUIT. На занятии половина группы выдернула шнур
   из модема и очень удивилась, что письма остались на месте.

3. Про точку. Строка из одной точки кончает письмо, это есть. Но что
   будет, если такая строка стоит в самом письме? Надо добавить абзац:
   сервер ставит перед ней ещё одну точку, а клиент её снимает. Без
   этого задача номер семь не решается.

4. Пример сеанса. Тот, что Вы набирали вчера у меня на машине, лучше
   всех рисунков. Возьмите его целиком, только пароль замените: он
   виден в открытом виде, и это, кстати, тоже стоит отметить в тексте.

5. Команду LAST можно не описывать подробно. В новых документах её
   уже нет, хотя наш сервер на неё отвечает.

6. Опечатка на странице 41: вместо UIDL напечатано UILD, дважды.
В предметном указателе её также надо править.

Ещё просьба. В компьютерном классе теперь двенадцать машин, и все
забирают почту в десять утра. Сервер держится, а модем нет. Можно ли
перенести часть заданий на вечер?

Верстку жду к пятнице. Рисунки лучше в PostScript, шрифты вложить,
иначе получатся квадратики, как в прошлый раз.

Всего доброго,
Вера
`

const MESSAGE_5 = `\
Received: from lists.example.org (lists.example.org [198.51.100.9])
	by quest.net.kiae.su (8.7.5/8.7.3) with ESMTP id EAA09702
	for <paul@quest.net.kiae.su>; Wed, 2 Jul 1997 04:20:17 +0400 (MSD)
Received: (from majordom@localhost) by lists.example.org (8.8.5/8.8.5)
	id UAA18264 for webcache-outgoing; Tue, 1 Jul 1997 20:14:33 -0400 (EDT)
Date: Tue, 1 Jul 1997 20:09:58 -0400
Message-Id: <199707020009.UAA18190@proxy.campus.example.org>
From: Dana Whitlock <dana@campus.example.org>
To: webcache@lists.example.org
Subject: Summary: is a proxy worth it behind a slow line?
Sender: owner-webcache@lists.example.org
Precedence: bulk
X-UIDL: 90be43a17d25f8c6e1370b9d4a6c85f2
Status: O

Two weeks ago I asked whether a caching proxy pays off for a campus
that hangs on a single slow line. Eleven people answered. Thank you
all; here is the summary that I promised.

The short answer is yes, and sooner than one thinks.

Hit rates. Everybody who measured for more than a month reports 30 to
45 percent of requests, and 20 to 30 percent of octets. The gap is
there because the pictures that all pages share are small and stay,
while the large files are fetched once and never again. One site with
four thousand students saw 52 percent in the first week of term, when
all of them looked at the same timetable.

Disk. Two gigabytes were enough for a campus of our size. More disk
brought less than more memory did: every object in the cache costs
about a hundred octets of RAM, and a proxy that swaps is worse than no
proxy. Plan 64 megabytes for each two gigabytes of cache and do not
run anything else on the machine.

Browsers. Set them up by the automatic configuration file, not by hand.
When we moved the proxy to another host, one line in that file was
changed, and nobody in the hostels has noticed.

Parents. Asking a neighbour before going out helps if the neighbour
is near. Three sites joined a national mesh and two of them left
again, because each miss then waited two seconds for an answer from
the other end of the country. Keep the list of neighbours short.

What went wrong, so that you need not repeat it:

 - A page behind a password was cached and shown to everybody. Check
   that your version leaves such replies alone.
 - The clock of the proxy was an hour behind after the change to
   summer time. Everything looked fresh for an hour too long. Run xntpd.
 - A power failure left the index damaged. The machine needed forty
   minutes to read its disks before it served the first page. A small
   UPS is cheaper than the telephone calls.
 - Users were told about the proxy after it was installed, not before.

Our own figures after ten days, on a Pentium 166 with 128 megabytes:
214,000 requests a day, 38 percent hits, and the line is down from 97
to 71 percent in the busy hours. Mail, which had to wait behind the
pictures, now goes out within a minute. That alone was worth the work.

I shall write again when the autumn term has begun.

Dana
`

const MESSAGE_6 = `\
Received: from pool.example.com (pool.example.com [203.0.113.25])
	by quest.net.kiae.su (8.7.5/8.7.3) with SMTP id IAA09911
	for <paul@quest.net.kiae.su>; Wed, 2 Jul 1997 08:44:36 +0400 (MSD)
Date: Wed, 2 Jul 1997 06:41:20 +0200
From: Tomas Brandl <tb@pool.example.com>
Message-Id: <9707020441.AA03317@pool.example.com>
To: paul@kiae.su
Subject: Re: PPP and the modem pool
In-Reply-To: Your message of "Tue, 01 Jul 1997 18:22:07 +0400."
X-UIDL: e46b1d9370fa52c8bd0817f53c29a64e
Status: O

> We have eight modems now and they answer, but half of the callers
> see the login prompt and nothing else. What do you look at first?

At the initialisation string, always. Ours is short: reset to factory
settings, hardware flow control, lock the port at 115200, answer after
the first ring. Every modem that was set up by hand has one letter too
many in it, and each has another one.

Then at flow control on the server side. If the prompt appears and the
first large packet does not, RTS and CTS are not connected in the
cable. Ask whoever made the cables for a drawing. There will be none.

> Should PPP start by itself or after the login?

Let the server look. If the first octet from the caller is 7E, it is
PPP and mgetty can hand over at once; otherwise it is a person or a
script, and gets the prompt. Windows 95 starts PPP at once, the older
programs want a script. With both ways open the telephone here became
quiet.

> And how many lines for two hundred users?

We count one line for fifteen users, and in the evening that is too
few. Give them 30 minutes of idle time, then hang up. Most of them do
not read at all: they wait for their mail program, which asks the POP
server every minute whether there is anything new. Ask them to set it
to ten. It costs them nothing, and your logs become readable again.

A second number for short mail calls helps more than two new
modems, and costs us only one more cable.

Greetings from the machine room. We have 31 degrees in here and the
modems are the coolest of us.

Tomas
`

/** In the order of the listing. `accessed`: retrieved in earlier sessions, so that LAST says 4 from the start. */
export const SEED_MAIL: readonly {
  readonly text: string
  readonly uniqueId: string
  readonly accessed: boolean
}[] = [
  { text: MESSAGE_1, uniqueId: '7c1e90a45b32d86f01e4c9a83d5576b2', accessed: true },
  { text: MESSAGE_2, uniqueId: '1fa8d0347ce29b65802df3c6184ea97b', accessed: true },
  { text: MESSAGE_3, uniqueId: 'c05d2f7e918b43a6b7340ce1d9852f6e', accessed: true },
  { text: MESSAGE_4, uniqueId: '2313051b98ef908dceefe8b801d9e60d', accessed: true },
  { text: MESSAGE_5, uniqueId: '90be43a17d25f8c6e1370b9d4a6c85f2', accessed: false },
  { text: MESSAGE_6, uniqueId: 'e46b1d9370fa52c8bd0817f53c29a64e', accessed: false },
]
