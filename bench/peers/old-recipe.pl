#!/usr/bin/perl
# The old recipe, an illustration and not a rival: Net::SSLeay on non-blocking sockets, where every
# call is tried, says "try again", and is tried again when select(2) says that something changed.
# Every request has a connection of its own.
#
# old-recipe.pl URL -c CONNECTIONS -n REQUESTS --ca FILE [--new] [--no-resume]
use strict;
use warnings;
use Errno qw(EINPROGRESS);
use Socket;
use Fcntl;
use Net::SSLeay;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

my ($url, $connections, $wanted, $ca, $resume) = ('', 1, 1, undef, 1);
while (defined(my $option = shift @ARGV)) {
    if    ($option eq '-c')          { $connections = shift @ARGV }
    elsif ($option eq '-n')          { $wanted      = shift @ARGV }
    elsif ($option eq '--ca')        { $ca          = shift @ARGV }
    elsif ($option eq '--no-resume') { $resume      = 0 }
    elsif ($option !~ /^--/)         { $url         = $option }
}
my ($host, $port, $path) = $url =~ m{^https://([^:/]+):(\d+)(/.*)$} or die "bad url\n";

Net::SSLeay::initialize();
my $context = Net::SSLeay::CTX_new_with_method(Net::SSLeay::TLS_client_method());
Net::SSLeay::CTX_load_verify_locations($context, $ca, '') or die "$ca\n";
Net::SSLeay::CTX_set_verify($context, Net::SSLeay::VERIFY_PEER());
my $param = Net::SSLeay::CTX_get0_param($context);
if   ($host =~ /^[0-9.]+$/) { Net::SSLeay::X509_VERIFY_PARAM_set1_ip_asc($param, $host) }
else                        { Net::SSLeay::X509_VERIFY_PARAM_set1_host($param, $host) }
my $session;
if ($resume) {
    Net::SSLeay::CTX_set_session_cache_mode($context, Net::SSLeay::SESS_CACHE_CLIENT());
    Net::SSLeay::CTX_sess_set_new_cb($context, sub {
        my (undef, $new) = @_;
        Net::SSLeay::SESSION_free($session) if $session;
        $session = $new;
        return 1;
    });
}

my $address = pack_sockaddr_in($port, inet_aton($host));
my $request = "GET $path HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n\r\n";
my ($started, $done, $failed, $resumed, $bytes) = (0, 0, 0, 0, 0);
my (%live, @times);
my ($readers, $writers) = ('', '');

sub want {
    my ($one, $read) = @_;
    vec($readers, $one->{fd}, 1) = $read;
    vec($writers, $one->{fd}, 1) = !$read;
}

sub begin {
    $started++;
    socket(my $socket, PF_INET, SOCK_STREAM, 0) or die "socket: $!\n";
    fcntl($socket, F_SETFL, O_NONBLOCK);
    connect($socket, $address) or $! == EINPROGRESS or die "connect: $!\n";
    my $one = { socket => $socket, fd => fileno($socket), step => 'connect',
                begun => clock_gettime(CLOCK_MONOTONIC) };
    $live{ $one->{fd} } = $one;
    want($one, 0);
}

sub finish {
    my ($one, $ok) = @_;
    delete $live{ $one->{fd} };
    vec($readers, $one->{fd}, 1) = vec($writers, $one->{fd}, 1) = 0;
    if ($one->{ssl}) {
        Net::SSLeay::shutdown($one->{ssl}) if $ok;    # or OpenSSL does not resume the session
        Net::SSLeay::free($one->{ssl});
    }
    close $one->{socket};
    push @times, clock_gettime(CLOCK_MONOTONIC) - $one->{begun};
    $done++;
    $failed++ unless $ok;
    begin() if $started < $wanted;
}

# True: the step is done. False: it has to be tried again, or the connection has been finished.
sub tried {
    my ($one, $result) = @_;
    return 1 if $result > 0;
    my $why = Net::SSLeay::get_error($one->{ssl}, $result);
    if    ($why == Net::SSLeay::ERROR_WANT_READ())  { want($one, 1) }
    elsif ($why == Net::SSLeay::ERROR_WANT_WRITE()) { want($one, 0) }
    else { finish($one, ($one->{answer} // '') =~ m{^HTTP/1\.1 200 }) }
    return 0;
}

sub go_on {
    my ($one) = @_;
    if ($one->{step} eq 'connect') {
        my $ssl = $one->{ssl} = Net::SSLeay::new($context);
        Net::SSLeay::set_fd($ssl, $one->{fd});
        Net::SSLeay::set_session($ssl, $session) if $session;
        $one->{step} = 'handshake';
    }
    if ($one->{step} eq 'handshake') {
        tried($one, Net::SSLeay::connect($one->{ssl})) or return;
        $resumed++ if Net::SSLeay::session_reused($one->{ssl});
        $one->{step} = 'write';
    }
    if ($one->{step} eq 'write') {
        tried($one, Net::SSLeay::write($one->{ssl}, $request)) or return;
        $one->{step}   = 'read';
        $one->{answer} = '';
    }
    while (1) {
        my ($data, $result) = Net::SSLeay::read($one->{ssl}, 16384);
        tried($one, $result) or return;
        $bytes += length $data;
        $one->{answer} .= $data;
    }
}

begin() for 1 .. ($connections < $wanted ? $connections : $wanted);
while ($done < $wanted) {
    select(my $read = $readers, my $write = $writers, undef, undef);
    for my $one (values %live) {
        go_on($one) if vec($read, $one->{fd}, 1) || vec($write, $one->{fd}, 1);
    }
}
@times = sort { $a <=> $b } @times;
printf '{"requests": %d, "failed": %d, "resumed": %d, "bytes": %d, ' .
    '"p50_us": %d, "p99_us": %d}' . "\n",
    $done, $failed, $resumed, $bytes, 1e6 * $times[@times / 2], 1e6 * $times[@times * 99 / 100];
exit($failed != 0);
