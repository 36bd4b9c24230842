#!/usr/bin/perl
# The old recipe for TLS in a select dispatcher, as its users found it: after a non-blocking connect, select for
# reading and for writing, and whenever either is true, attach the descriptor and try the TLS call again, until it
# works. Counts the calls and the answers "try again".
#
#   old_recipe.pl HOST PORT PATH CA COUNT
#
# One connection after the other: what one costs does not depend on the others. Prints, for all of them:
#   KEY NUMBER
use strict;
use warnings;
use Errno qw(EINPROGRESS);
use Fcntl;
use Net::SSLeay;
use Socket;

my ($host, $port, $path, $ca, $count) = @ARGV;
die "usage: old_recipe.pl HOST PORT PATH CA COUNT\n" unless defined $count;

# The incantations.
Net::SSLeay::load_error_strings();
Net::SSLeay::SSLeay_add_ssl_algorithms();
Net::SSLeay::randomize();

my $context = Net::SSLeay::CTX_new() or die "no context\n";
Net::SSLeay::CTX_load_verify_locations($context, $ca, '') or die "$ca\n";
Net::SSLeay::CTX_set_verify($context, Net::SSLeay::VERIFY_PEER());

my %number;
my @keys = map { my $step = $_; map { "$step $_" } qw(calls again) } qw(handshake write read);
$number{$_} = 0 for @keys, 'good';

# What select says of the socket: (readable, writable).
sub ready {
    my ($socket, $read, $write) = @_;
    my $bits = '';
    vec($bits, fileno($socket), 1) = 1;
    my ($r, $w) = ($read ? $bits : '', $write ? $bits : '');
    select($r, $w, undef, 30) > 0 or die "nothing for 30 seconds\n";
    return (vec($r, fileno($socket), 1), vec($w, fileno($socket), 1));
}

# True: the call did something. False: "not yet", for the hundredth time.
sub worked {
    my ($ssl, $step, $result) = @_;
    $number{"$step calls"}++;
    return 1 if defined $result && $result > 0;
    my $why = Net::SSLeay::get_error($ssl, $result // -1);
    if ($why == Net::SSLeay::ERROR_WANT_READ() || $why == Net::SSLeay::ERROR_WANT_WRITE()) {
        $number{"$step again"}++;
        return 0;
    }
    return -1;    # the end, or an error: look at three things
}

sub request {
    socket(my $socket, PF_INET, SOCK_STREAM, 0) or die "socket: $!\n";
    fcntl($socket, F_SETFL, O_NONBLOCK) or die "fcntl: $!\n";
    connect($socket, pack_sockaddr_in($port, inet_aton($host))) or $! == EINPROGRESS or die "connect: $!\n";
    ready($socket, 0, 1);

    my $ssl = Net::SSLeay::new($context);
    my $done = 0;
    until ($done) {
        ready($socket, 1, 1);
        Net::SSLeay::set_fd($ssl, fileno($socket));
        $done = worked($ssl, 'handshake', Net::SSLeay::connect($ssl));
        die Net::SSLeay::ERR_error_string(Net::SSLeay::ERR_get_error()) . "\n" if $done < 0;
    }

    my $text = "GET $path HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n\r\n";
    while (length $text) {
        ready($socket, 0, 1);
        my $size = Net::SSLeay::write($ssl, $text);
        my $well = worked($ssl, 'write', $size);
        die "write failed\n" if $well < 0;
        substr($text, 0, $size) = '' if $well;
    }

    my $answer = '';
    for (my $well = 0; $well >= 0;) {
        ready($socket, 1, 0) unless Net::SSLeay::pending($ssl);
        my ($data, $size) = Net::SSLeay::read($ssl, 16384);
        $well = worked($ssl, 'read', $size);
        $answer .= $data if $well > 0;
    }
    $number{good}++ if $answer =~ m{^HTTP/1\.1 200 .*\r\n\r\n.}s;
    Net::SSLeay::free($ssl);
    close $socket;
}

request() for 1 .. $count;
print "$_ $number{$_}\n" for @keys, 'good';
my ($user, $system) = times;
printf "cpu_ms %d\n", 1000 * ($user + $system);
exit($number{good} != $count);
