/* SPDX-License-Identifier: Apache-2.0 */
/* timestamp.c - RFC 3339 to microseconds and back.
 *
 * Days are counted in years that begin in March, so that the leap day is a year's last and month
 * lengths follow one formula (153 days in each five months); 146,097 days make 400 years. */
#include "model/timestamp.h"

#define US_PER_SECOND      UINT64_C(1000000)
#define SECONDS_PER_DAY    86400
#define DAYS_PER_400_YEARS 146097
#define DAYS_TO_1970       719468 /* from 0000-03-01 */

/* `year` from 0, `month` from 1, `day` from 1. */
static int64_t days_of(unsigned year, unsigned month, unsigned day)
{
	int64_t y = (int64_t)year - (month <= 2);
	int64_t cycle = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_cycle = y - cycle * 400;
	int64_t month_from_march = month > 2 ? (int64_t)month - 3 : (int64_t)month + 9;
	int64_t day_of_year = (153 * month_from_march + 2) / 5 + (int64_t)day - 1;

	return cycle * DAYS_PER_400_YEARS + year_of_cycle * 365 + year_of_cycle / 4 -
	       year_of_cycle / 100 + day_of_year - DAYS_TO_1970;
}

static void put_digits(char *at, int count, uint64_t value)
{
	for (int i = count - 1; i >= 0; i--, value /= 10)
		at[i] = (char)('0' + value % 10);
}

void timestamp_format(uint64_t us, char text[static TIMESTAMP_TEXT_BYTES])
{
	if (us > TIMESTAMP_MAX_US)
		us = TIMESTAMP_MAX_US;
	uint64_t seconds = us / US_PER_SECOND;
	uint64_t day = seconds / SECONDS_PER_DAY + DAYS_TO_1970;
	uint64_t in_day = seconds % SECONDS_PER_DAY;
	uint64_t cycle = day / DAYS_PER_400_YEARS;
	uint64_t of_cycle = day % DAYS_PER_400_YEARS;
	/* Leap days are taken out, so that what is left divides by 365. */
	uint64_t year_of_cycle =
		(of_cycle - of_cycle / 1460 + of_cycle / 36524 - of_cycle / 146096) / 365;
	uint64_t day_of_year =
		of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
	uint64_t from_march = (5 * day_of_year + 2) / 153;
	uint64_t month = from_march < 10 ? from_march + 3 : from_march - 9;

	memcpy(text, "0000-00-00T00:00:00.000000Z", TIMESTAMP_TEXT_BYTES);
	put_digits(text, 4, cycle * 400 + year_of_cycle + (month <= 2));
	put_digits(text + 5, 2, month);
	put_digits(text + 8, 2, day_of_year - (153 * from_march + 2) / 5 + 1);
	put_digits(text + 11, 2, in_day / 3600);
	put_digits(text + 14, 2, in_day / 60 % 60);
	put_digits(text + 17, 2, in_day % 60);
	put_digits(text + 20, 6, us % US_PER_SECOND);
}

/* Reads a text from the front; once something is missing, `failed` stays. */
struct reader {
	struct span text;
	size_t at;
	bool failed;
};

static char peek(const struct reader *reader)
{
	return reader->at < reader->text.size ? reader->text.data[reader->at] : '\0';
}

static unsigned read_digits(struct reader *reader, int count)
{
	unsigned value = 0;

	for (int i = 0; i < count; i++, reader->at++) {
		unsigned digit = (unsigned)(unsigned char)peek(reader) - '0';

		if (digit > 9) {
			reader->failed = true;
			return 0;
		}
		value = value * 10 + digit;
	}
	return value;
}

static void read_char(struct reader *reader, char a, char b)
{
	if (peek(reader) != a && peek(reader) != b)
		reader->failed = true;
	reader->at++;
}

/* After the dot: any number of digits, at least one; what is finer than a microsecond is cut. */
static uint64_t read_fraction(struct reader *reader)
{
	uint64_t us = 0;
	uint64_t unit = US_PER_SECOND / 10;

	if (peek(reader) < '0' || peek(reader) > '9')
		reader->failed = true;
	for (; peek(reader) >= '0' && peek(reader) <= '9'; reader->at++, unit /= 10)
		us += unit * (uint64_t)(peek(reader) - '0');
	return us;
}

/* Seconds to take away for `Z`, `+hh:mm` or `-hh:mm`. */
static int64_t read_offset(struct reader *reader)
{
	char sign = peek(reader);

	reader->at++;
	if (sign == 'Z' || sign == 'z')
		return 0;
	if (sign != '+' && sign != '-') {
		reader->failed = true;
		return 0;
	}
	unsigned hours = read_digits(reader, 2);
	read_char(reader, ':', ':');
	unsigned minutes = read_digits(reader, 2);
	if (hours > 23 || minutes > 59)
		reader->failed = true;
	int64_t seconds = (int64_t)hours * 3600 + (int64_t)minutes * 60;
	return sign == '+' ? seconds : -seconds;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month == 2 && leap ? 29 : days[month - 1];
}

bool timestamp_parse(struct span text, uint64_t *ret_us)
{
	struct reader reader = { .text = text };
	unsigned year = read_digits(&reader, 4);

	read_char(&reader, '-', '-');
	unsigned month = read_digits(&reader, 2);
	read_char(&reader, '-', '-');
	unsigned day = read_digits(&reader, 2);
	read_char(&reader, 'T', 't');
	unsigned hour = read_digits(&reader, 2);
	read_char(&reader, ':', ':');
	unsigned minute = read_digits(&reader, 2);
	read_char(&reader, ':', ':');
	unsigned second = read_digits(&reader, 2);
	uint64_t us = 0;
	if (peek(&reader) == '.') {
		reader.at++;
		us = read_fraction(&reader);
	}
	int64_t offset = read_offset(&reader);
	if (reader.failed || reader.at != text.size || month < 1 || month > 12 || day < 1 ||
	    day > days_in_month(year, month) || hour > 23 || minute > 59 || second > 60)
		return false;
	if (second == 60)
		second = 59;
	int64_t seconds = days_of(year, month, day) * SECONDS_PER_DAY + (int64_t)hour * 3600 +
			  (int64_t)minute * 60 + (int64_t)second - offset;
	if (seconds < 0 || (uint64_t)seconds > TIMESTAMP_MAX_US / US_PER_SECOND)
		return false;
	*ret_us = (uint64_t)seconds * US_PER_SECOND + us;
	return true;
}
